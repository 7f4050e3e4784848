import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError, UserError } from "@/core/errors.ts";
import { readJsonl } from "@/core/jsonl.ts";
import { transformJsonl, type TransformOptions } from "@/core/parallel.ts";
import { createPool } from "@/core/parallel_read.ts";
import { z } from "zod";
import { fakeContext } from "../fakes/context.ts";

const module = new URL("./testdata/double_rows.ts", import.meta.url);
type Options = { key: string; failAtStart?: boolean };
type Overrides = Partial<TransformOptions<Options>>;

/** Runs the doubling work on the given content in a folder of its own, which must hold no temp file afterwards. */
async function double(content: string | Uint8Array, overrides: Overrides = {}) {
  const folder = await Deno.makeTempDir();
  const context = fakeContext();
  const input = join(folder, "in.jsonl");
  const output = join(folder, "out.jsonl");
  const dropped = join(folder, "rejects.jsonl");
  try {
    await Deno.writeFile(input, typeof content === "string" ? new TextEncoder().encode(content) : content);
    const result = await transformJsonl<Options>({
      input,
      output,
      rejects: dropped,
      module,
      options: { key: "n" },
      context,
      label: "double",
      ...overrides,
    });
    return {
      result,
      events: context.events,
      output: await Deno.readTextFile(output),
      dropped: await Deno.readTextFile(dropped),
    };
  } finally {
    const left = Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();
    await Deno.remove(folder, { recursive: true });
    ok(left.length === 3 || left.join() === "in.jsonl", `files left: ${left}`);
  }
}

/** The error of such a run, with the temp folder's name taken out of its message. */
async function fault(content: string | Uint8Array, overrides: Overrides = {}): Promise<UserError> {
  try {
    await double(content, overrides);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    error.message = error.message.replace(/"[^"]*[\\/](?=\w+\.jsonl)/, '"');
    return error;
  }
  throw new Error("no error was thrown");
}

const rowsOf = (count: number, pad = 1000) =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ n: n % 7 === 6 ? -n : n, pad: "—".repeat(n % pad) }) + "\n")
    .join("");

for (const workers of [1, 3]) {
  const name = workers === 1 ? "transformJsonl on the main thread" : "transformJsonl in threads";

  Deno.test(`${name} keeps the order of rows over many batches`, async () => {
    const count = 5000; // Some 7 MB.
    const { result, output, dropped, events } = await double(rowsOf(count), { workers });
    const numbers = output.trimEnd().split("\n").map((line) => JSON.parse(line).n);
    const kept = Array.from({ length: count }, (_, n) => n).filter((n) => n % 7 !== 6);
    deepEqual(numbers, kept.map((n) => n * 2));
    equal(result.rows, count);
    equal(result.written, kept.length);
    equal(result.counts.sum, kept.reduce((sum, n) => sum + n, 0));
    deepEqual(result.drops, { negative: count - kept.length });
    equal(dropped.trimEnd().split("\n").length, count - kept.length);
    deepEqual(JSON.parse(dropped.slice(0, dropped.indexOf("\n"))), {
      reason: "negative",
      id: "-6",
      detail: "below zero",
    });
    equal(result.finished.length, workers);
    equal(result.finished.reduce((sum: number, seen) => sum + Number(seen), 0), count);
    deepEqual(events.filter((event) => event.type === "drop"), [
      { type: "drop", reason: "negative", count: count - kept.length },
    ]);
    const progress = events.filter((event) => event.type === "progress");
    ok(progress.length > 3);
    equal(progress.at(-1)?.done, progress.at(-1)?.total);
  });

  Deno.test(`${name} names file and line of a bad row far into the file`, async () => {
    const good = rowsOf(3000);
    const error = await fault(`${good}{"n":"x"}\n${good}`, { workers });
    equal(error.message, 'Cannot read "in.jsonl:3001": the row has no number "n"');
    equal(error.exitCode, 2);
  });

  Deno.test(`${name} takes files one after the other, and counts the lines of each`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const input = [join(folder, "first.jsonl"), join(folder, "second.jsonl")];
      const [first = "", second = ""] = input;
      await Deno.writeTextFile(first, rowsOf(2000).trimEnd());
      await Deno.writeTextFile(second, rowsOf(3000));
      const { result, output } = await double("", { input, workers });
      equal(result.rows, 5000);
      equal(output, (await double(rowsOf(2000) + rowsOf(3000), { workers })).output);
      await Deno.writeTextFile(second, `${rowsOf(1000)}{"n":"x"}\n`);
      equal(
        (await fault("", { input, workers })).message,
        'Cannot read "second.jsonl:1001": the row has no number "n"',
      );
      await Deno.remove(second);
      match((await fault("", { input, workers })).message, /Cannot read "second\.jsonl"/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  Deno.test(`${name} tells the first of several bad rows`, async () => {
    const good = rowsOf(2000);
    const error = await fault(`${good}nonsense\n${good}{}\n`, { workers });
    match(error.message, /^Cannot read "in\.jsonl:2001": the line is not JSON: .* in "nonsense"$/);
  });

  Deno.test(`${name} hands on the error of a start`, async () => {
    const error = await fault('{"n":1}\n', { workers, options: { key: "n", failAtStart: true } });
    deepEqual([error.message, error.hint, error.exitCode], ["Cannot start", "Try again.", 2]);
  });

  Deno.test(`${name} hands on a fault of the work with its trace`, async () => {
    await rejects(double('{"n":"throw"}\n', { workers }), (error: Error) => {
      equal(error.message, "a fault of ours");
      match(error.stack ?? "", /double_rows/);
      return !(error instanceof UserError);
    });
  });

  Deno.test(`${name} calls inOrder in the order of rows`, async () => {
    const seen: number[] = [];
    const { output } = await double(rowsOf(3000), {
      workers,
      inOrder(bytes, notes) {
        for (const { value, at } of notes) {
          seen.push(Number(value));
          equal(bytes[at], "{".charCodeAt(0));
        }
        return bytes.subarray(0, bytes.indexOf(10) + 1);
      },
    });
    deepEqual(seen, Array.from({ length: 3000 }, (_, n) => n).filter((n) => n % 7 !== 6));
    ok(output.split("\n").length < 20);
  });

  Deno.test(`${name} takes a line that is much longer than a batch`, async () => {
    const long = JSON.stringify({ n: 2, pad: "д".repeat(1_500_000) });
    const { output } = await double(`{"n":1}\n${long}\n{"n":3}\n`, { workers });
    deepEqual(output.split("\n").map((line) => line.length), [7, long.length, 7, 0]);
  });
}

Deno.test("transformJsonl skips a torn last line and tells it", async () => {
  for (const torn of ['{"n":2,"pa', '{"n":2,"pad":"\u0434"}']) {
    const whole = new TextEncoder().encode(`{"n":1}\n${torn}`);
    const bytes = whole.subarray(0, torn.endsWith("}") ? -3 : undefined); // The second is cut within a character.
    const { result, output, events, dropped } = await double(bytes);
    equal(output, '{"n":2}\n');
    deepEqual(result.drops, { torn_line: 1 });
    match(dropped, /"reason":"torn_line","id":"[^"]*in\.jsonl:2"/);
    ok(events.some((event) => event.type === "log" && event.level === "warn" && /in\.jsonl:2/.test(event.message)));
  }
});

Deno.test("transformJsonl takes a whole last line without a newline", async () => {
  equal((await double('{"n":1}\n{"n":2}')).output, '{"n":2}\n{"n":4}\n');
});

Deno.test("transformJsonl tolerates blank lines, CRLF and byte order marks", async () => {
  const { result, output } = await double('\uFEFF{"n":1}\r\n\r\n  \n\uFEFF{"n":2}\n\n');
  equal(output, '{"n":2}\n{"n":4}\n');
  equal(result.rows, 2);
});

Deno.test("transformJsonl refuses what is not JSON Lines", async () => {
  const bytes = (text: string, ...more: number[]) => new Uint8Array([...new TextEncoder().encode(text), ...more]);
  const cases: [string | Uint8Array, RegExp][] = [
    ["", /^Cannot read "in\.jsonl": the file holds no rows$/],
    ["\n\n", /^Cannot read "in\.jsonl": the file holds no rows$/],
    ['{"n":1}\n\0\0\0\n', /^Cannot read "in\.jsonl:2": the line holds NUL bytes$/],
    [bytes('{"n":1}\n{"n":1,"pad":"', 0xff, 0xfe, 0x0a), /^Cannot read "in\.jsonl:2": the line is not UTF-8 text$/],
    ["[1,\n2]\n", /^Cannot read "in\.jsonl:1": the line is not JSON: .* in "\[1,"$/],
    ["null\n", /^Cannot read "in\.jsonl:1": the row has no number "n"$/],
    [`${"x".repeat(1e6)}\n`, /^Cannot read "in\.jsonl:1": the line is not JSON: .{1,60} in "x{60}"…$/],
  ];
  for (const [content, expected] of cases) match((await fault(content)).message, expected);
});

Deno.test("transformJsonl says what is wrong with a path", async () => {
  const folder = await Deno.makeTempDir();
  match((await fault("", { input: join(folder, "none.jsonl") })).message, /none\.jsonl": there is no such file$/);
  match((await fault("", { input: folder })).message, /it is a folder, not a file$/);
  const refused = await fault('{"n":1}\n', { output: folder });
  match(refused.message, /it is a folder, not a file$/);
  equal(refused.exitCode, 2, "a wrong use, as of any other step");
  match(refused.hint ?? "", /^Name a file, such as .*double\.jsonl$/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("transformJsonl refuses to write over its input", async () => {
  const path = join(await Deno.makeTempDir(), "in.jsonl");
  await rejects(double("", { input: path, output: path }), UsageError);
  await Deno.remove(join(path, ".."), { recursive: true });
});

Deno.test("transformJsonl ends its threads when the signal fires", async () => {
  const abort = new AbortController();
  const content = rowsOf(2000) + '{"n":"wait forever"}\n' + rowsOf(2000);
  const context = {
    signal: abort.signal,
    emit: (event: { type: string }) => void (event.type === "progress" && abort.abort()),
  };
  await rejects(double(content, { workers: 2, context }), { name: "AbortError" });
});

Deno.test("transformJsonl does nothing when the signal has fired already", async () => {
  const context = { signal: AbortSignal.abort(), emit: () => {} };
  await rejects(double('{"n":1}\n', { context }), { name: "AbortError" });
});

Deno.test("transformJsonl writes what readJsonl reads", async () => {
  const { output } = await double('{"n":1}\n');
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, output);
  deepEqual(await Array.fromAsync(readJsonl(path, z.object({ n: z.number() }))), [{ n: 2 }]);
  await Deno.remove(path);
});

Deno.test("createPool hands out what it was given, and frees at once what it does not keep", () => {
  const pool = createPool(1, 100);
  const [kept, odd, extra] = [new Uint8Array(50), new Uint8Array(101), new Uint8Array(60)];
  for (const bytes of [kept, odd, extra]) pool.give(bytes);
  deepEqual([kept, odd, extra].map(({ buffer }) => buffer.detached), [false, true, true]);
  equal(pool.take(40).buffer, kept.buffer);
  pool.give(kept);
  equal(pool.take(80).length, 80);
  equal(kept.buffer.detached, true); // It was too small.
});
