/** What a run asked for each of its examples, so that the dataset is built without rendering every request anew. */
import type { Asked } from "../dialogue/ledger.ts";

type Sent = Asked["requests"][number];

export interface Trail {
  /** In turn; those that have an answer. */
  readonly requests: readonly Sent[];
  /** Whether what came of them passes every gate that looks at one example alone. */
  readonly passed: boolean;
}

export interface Trails {
  keep(id: string, trail: Trail): void;
  of(id: string): Trail | undefined;
}

/** Kept as one short string each: there may be a hundred thousand. */
export function createTrails(): Trails {
  const trails = new Map<string, string>();
  return {
    keep(id, { requests, passed }) {
      const lines = requests.map(({ hash, prompt, seed }) => `${hash} ${prompt} ${seed ?? ""}`);
      trails.set(id, [passed ? "passed" : "failed", ...lines].join("\n"));
    },
    of(id) {
      const text = trails.get(id);
      if (text === undefined) return undefined;
      const [verdict, ...lines] = text.split("\n");
      const requests = lines.map((line): Sent => {
        const [hash = "", prompt = "", seed = ""] = line.split(" ");
        return { hash, prompt, ...(seed === "" ? {} : { seed: Number(seed) }) };
      });
      return { requests, passed: verdict === "passed" };
    },
  };
}
