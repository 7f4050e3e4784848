/**
 * What this project uses of `@std/streams`: local stand-in for the package on JSR, with the same behaviour.
 *
 * @module
 */

export * from "./text_line_stream.ts";
export * from "./to_bytes.ts";
export * from "./to_json.ts";
export * from "./to_text.ts";
export * from "./to_transform_stream.ts";
