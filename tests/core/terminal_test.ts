import { deepEqual, equal, match } from "node:assert/strict";
import { farewell } from "@/core/door.ts";
import { ToolError, UsageError, UserError } from "@/core/errors.ts";
import { showEvents } from "@/core/terminal.ts";

function screen(interactive: boolean) {
  let text = "";
  let now = 0;
  const shown = showEvents(
    { write: (part) => void (text += part), interactive, columns: () => 60 },
    () => now,
    false,
  );
  return { ...shown, text: () => text, pass: (ms: number) => void (now += ms) };
}

Deno.test("showEvents prints one line a minute where there is no terminal, and the last one", () => {
  const { emit, pass, text } = screen(false);
  for (let done = 0; done <= 100; done++) {
    emit({ type: "progress", label: "chunk", done, total: 100, unit: "works" });
    pass(1500);
  }
  const lines = text().trimEnd().split("\n");
  equal(lines.length, 3);
  match(lines[0] ?? "", /^chunk {2}40\/100 works {2}60 s, 90 s left$/);
  match(lines.at(-1) ?? "", /^chunk {2}100\/100 works/);
});

Deno.test("showEvents takes the time that is left and the details from who knows them", () => {
  const { emit, pass, text } = screen(false);
  for (const done of [90, 91]) {
    emit({ type: "progress", label: "generate", done, total: 100, leftSeconds: 60, detail: "8 at a time" });
    pass(70_000);
  }
  equal(text(), "generate  91/100  70 s, 60 s left  8 at a time\n");
});

Deno.test("showEvents moves one bar in a terminal and never writes beyond its width", () => {
  const { emit, pass, text } = screen(true);
  for (let done = 1; done <= 3; done++) {
    emit({
      type: "progress",
      label: "a label that is much longer than any terminal is wide ".repeat(3),
      done,
      total: 4,
    });
    pass(1000);
  }
  equal(text().includes("\n"), false);
  for (const part of text().split("\r\x1b[K")) equal(part.length < 60, true);
});

Deno.test("showEvents sums drops by reason and tells them once, at the end", () => {
  const { emit, close, text } = screen(false);
  emit({ type: "drop", reason: "too_short", count: 2 });
  emit({ type: "drop", reason: "no_markers", count: 1 });
  emit({ type: "drop", reason: "too_short", count: 1 });
  equal(text(), "");
  close();
  close();
  equal(text(), "left out: too_short 3, no_markers 1\n");
});

Deno.test("farewell gives 2 for wrong use, 1 for failure, 130 for a stop, and a trace only for our own faults", () => {
  const stop = new DOMException("stopped", "AbortError");
  const ends = [new UsageError(["one", "two"]), new UserError("failed", { hint: "mend" }), stop, new Error("bug")]
    .map(farewell);
  deepEqual(ends.map(({ code }) => code), [2, 1, 130, 1]);
  deepEqual(ends.slice(0, 2).map(({ text }) => text), ["one\ntwo", "failed\nmend"]);
  match(ends[3]?.text ?? "", /fault in Voiceworks[^]*terminal_test/);
});

Deno.test("ToolError quotes the command, its exit code and what it said last", () => {
  const error = new ToolError(["python", "train.py"], 139, ["Segmentation fault"], "Free some memory.");
  match(error.message, /"python train.py": it ended with exit code 139\n {2}Segmentation fault/);
});
