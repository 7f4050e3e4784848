import { equal, match } from "node:assert/strict";
import { ToolError } from "@/core/errors.ts";
import { scriptFailure } from "@/training/merge_python.ts";

const TRACE = [
  "Traceback (most recent call last):",
  '  File "/lib/snapshot.py", line 400, in snapshot_download',
  "    raise LocalEntryNotFoundError(",
  "LocalEntryNotFoundError: the hub cannot be reached",
];

Deno.test("a model that cannot be fetched is told of by the last words, without Python's trace", () => {
  const error = scriptFailure("fetch", { model: "owner/model" }, new ToolError(["python"], 1, TRACE));
  equal(error.message, 'Cannot fetch "owner/model": LocalEntryNotFoundError: the hub cannot be reached');
  match(error.hint ?? "", /HF_ENDPOINT/);
});

Deno.test("a merge that fails keeps the lines before its last words", () => {
  const error = scriptFailure("merge", { base: "/base" }, new ToolError(["python"], 1, TRACE));
  match(error.message, /^Cannot merge into "\/base": LocalEntryNotFoundError.*\n {2}Traceback/);
});
