/**
 * What `@std/cli` exports from its root: local stand-in for the package on JSR, with the same behaviour.
 *
 * @module
 */

export * from "./parse_args.ts";
export * from "./prompt_secret.ts";
export * from "./unicode_width.ts";
