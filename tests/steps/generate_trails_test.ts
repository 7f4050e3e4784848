import { deepEqual, equal } from "node:assert/strict";
import { createTrails, type Trail } from "@/steps/generate_trails.ts";

Deno.test("createTrails gives back what it was told last of each example, whatever was said in a verdict", () => {
  const hash = (n: number) => n.toString(16).padStart(64, "0");
  const trails = createTrails();
  const all = new Map<string, Trail>();
  const verdicts: Trail["verdict"][] = [
    null,
    undefined,
    { reason: "repetition", detail: "“мы — 我们 🚀”\nand\na second line" },
    { reason: "slop", detail: "" },
  ];
  for (let n = 0; n < 5000; n++) {
    const requests = Array.from({ length: n % 4 }, (_, at) => ({
      hash: hash(n * 10 + at),
      prompt: hash(at),
      ...(at % 2 ? {} : { seed: n }),
    }));
    const id = `chunk ${n % 4000}/primary`; // Some are told of twice.
    const trail = { requests, verdict: verdicts[n % verdicts.length] };
    all.set(id, trail);
    trails.keep(id, trail);
  }
  for (const [id, trail] of all) deepEqual(trails.of(id), trail);
  equal(trails.of("another"), undefined);
});
