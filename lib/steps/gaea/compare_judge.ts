/** A judge model's marks for coherence: of what the tuned model wrote, and of texts whose marks are known beforehand. */
import { sha256 } from "../../core/files.ts";
import { readJsonc } from "../../core/jsonc.ts";
import { openJsonlLog } from "../../core/jsonl_log.ts";
import { presetPath } from "../../core/paths.ts";
import type { Context } from "../../core/step.ts";
import { seededRandom, shuffle } from "../../dialogue/random.ts";
import { judge, type Judged, Rubric } from "../../evaluation/judge.ts";
import { bootstrap, mean } from "../../evaluation/statistics.ts";
import type { JudgedCoherence } from "../../evaluation/style/gate_coherence.ts";
import { cutPieces } from "../../evaluation/style/pieces.ts";
import type { Continuation } from "../../evaluation/style/systems.ts";
import { judgeEngine, readKept } from "../judge_answers.ts";
import { z } from "zod";

export interface CoherenceJudge {
  readonly model: string;
  readonly url: string;
  /** Readings of each text. */
  readonly samples: number;
  readonly seed: number;
  /** Questions at a time. */
  readonly concurrency: number;
  /** Where marks are kept, so that none is asked for twice. */
  readonly kept: string;
}

/** Continuations that are marked, drawn by seed; and texts of each kind whose marks are known. */
const TEXTS = 24, PROBES = 4;
/** Words of a probe, and of the opening that it is given. */
const PIECE = 250, OPENING = 40;
/** What stands for an opening that is not known. */
const UNKNOWN = "(The opening is not known: what follows is a passage from within.)";
/** Texts that are judged between two writes. */
const BATCH = 8;

const Kept = z.object({ hash: z.string(), scores: z.array(z.number()), missing: z.int() });
type Kept = z.output<typeof Kept>;

/**
 * Has a judge mark continuations. Between them stand the author's own text and the same with its words shuffled: a judge
 * who does not tell those apart cannot tell anything.
 *
 * @throws {ChatError} the judge cannot be asked at all.
 */
export async function judgeCoherence(
  { tuned, hold }: { tuned: readonly Continuation[]; hold: readonly string[] },
  wish: CoherenceJudge,
  context: Context,
): Promise<JudgedCoherence> {
  const { model, samples, seed, concurrency } = wish;
  const { clock, signal, emit } = context;
  const rubric = await readJsonc(presetPath("gaea/coherence.jsonc"), Rubric);
  const engine = judgeEngine(wish, context);
  const texts = textsFor(tuned, hold, seed);
  const hashOf = ({ id: _, ...text }: Judged) => sha256(JSON.stringify([model, samples, seed, rubric, text]));
  const known = await readKept(wish.kept, Kept, signal);
  using log = await openJsonlLog(wish.kept);
  const left = texts.filter((text) => !known.has(hashOf(text)));
  const tell = (done: number) => emit({ type: "progress", label: "judged", done, total: texts.length, unit: "texts" });
  for (let at = 0; at < left.length; at += BATCH) {
    tell(texts.length - left.length + at);
    const batch = left.slice(at, at + BATCH);
    const judgements = await judge(batch, { engine, rubric, samples, seed, concurrency, clock }, signal);
    for (const [index, text] of batch.entries()) {
      const { samples: scores = [], missing = samples } = judgements[index]?.marks.coherence ?? {};
      const row: Kept = { hash: hashOf(text), scores: [...scores], missing };
      if (missing === 0) await log.add(row); // What could not be read is asked for again another time.
      known.set(row.hash, row);
    }
  }
  tell(texts.length);
  const rows = (kind: string) =>
    texts.filter(({ id }) => id.startsWith(kind)).flatMap((text) => known.get(hashOf(text)) ?? []);
  const marks = (kind: string) => rows(kind).flatMap(({ scores }) => scores.length > 0 ? [mean(scores)] : []);
  const asked = rows("").reduce((sum, { scores, missing }) => sum + scores.length + missing, 0);
  const tunedMarks = marks("tuned");
  return {
    name: model,
    texts: tunedMarks.length,
    score: mean(tunedMarks),
    lower: tunedMarks.length > 0 ? bootstrap(tunedMarks, mean, { seed }).lower : NaN,
    author: mean(marks("author")),
    shuffled: mean(marks("shuffled")),
    missing: asked === 0 ? 1 : rows("").reduce((sum, { missing }) => sum + missing, 0) / asked,
  };
}

function textsFor(tuned: readonly Continuation[], hold: readonly string[], seed: number): Judged[] {
  const written = tuned.filter(({ text }) => text.trim() !== "");
  const drawn = shuffle(written, seededRandom(seed, "judged")).slice(0, TEXTS);
  const pieces = shuffle(hold.flatMap((text) => cutPieces(text, PIECE)), seededRandom(seed, "probes")).slice(0, PROBES);
  const probes = pieces.map((piece, at) => {
    const words = piece.split(/(?<=\s)/);
    return { id: `author ${at}`, task: words.slice(0, OPENING).join(""), text: words.slice(OPENING).join("") };
  });
  const random = seededRandom(seed, "shuffled");
  return [
    ...drawn.map(({ prompt, text }, at) => ({ id: `tuned ${at}`, task: prompt ?? UNKNOWN, text })),
    ...probes,
    ...probes.map(({ task, text }, at) => (
      { id: `shuffled ${at}`, task, text: shuffle(text.split(/\s+/), random).join(" ") }
    )),
  ];
}
