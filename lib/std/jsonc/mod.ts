/**
 * What `@std/jsonc` exports from its root: local stand-in for the package on JSR, with the same behaviour.
 *
 * @module
 */

export * from "./parse.ts";
