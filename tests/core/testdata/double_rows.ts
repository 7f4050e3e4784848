import { RowError, type RowSink, type StartRows } from "@/core/parallel_batch.ts";
import { UserError } from "@/core/errors.ts";

/** Work for tests: doubles `n`, drops where it is negative, and fails in every way that work can fail. */
export const start: StartRows<{ key: string; failAtStart?: boolean }> = ({ key, failAtStart }) => {
  if (failAtStart) throw new UserError("Cannot start", { hint: "Try again.", exitCode: 2 });
  let seen = 0;
  return {
    row(row: unknown, sink: RowSink) {
      const n = typeof row === "object" && row !== null && key in row ? Reflect.get(row, key) : undefined;
      if (n === "throw") throw new TypeError("a fault of ours");
      if (n === "wait forever") { while (true); }
      if (typeof n !== "number") throw new RowError(`the row has no number "${key}"`);
      seen++;
      if (n < 0) return sink.drop("negative", String(n), "below zero");
      sink.count("sum", n);
      sink.note(n);
      sink.write(JSON.stringify({ [key]: n * 2, pad: Reflect.get(Object(row), "pad") }));
    },
    finish: () => seen,
  };
};
