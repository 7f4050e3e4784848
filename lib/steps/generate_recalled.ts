/** What came of every example that a run remembers, whatever its plan was: passages are found again by their ids. */
import { z } from "zod";
import { UserError } from "../core/errors.ts";
import { explain } from "../core/jsonl.ts";
import type { Ledger } from "../dialogue/ledger.ts";
import type { Persona } from "../dialogue/personas.ts";
import { themesOf } from "../dialogue/prompt.ts";
import type { SourceChunk } from "../dialogue/source_kinds.ts";
import { FilteredChunk } from "../records.ts";
import { type Place, placedLines, readPlaces } from "./browse_places.ts";
import { answersTo, type Candidate, passageHash } from "./generate_candidates.ts";

/**
 * What the ledger holds of these passages, in the order of the run.
 *
 * @param input The corpus's passages, where there is a corpus.
 * @param others Passages of other sources.
 * @param dropped Hears of examples that have no place now: `no_passage`, `other_passage` or `no_persona`.
 */
export async function* recalled(
  { input, others, personas, ledger, keep, dropped, signal }: {
    input: string | undefined;
    others: readonly SourceChunk[];
    personas: readonly Persona[];
    ledger: Ledger;
    /** Whether a passage is still wanted. */
    keep: (chunk: SourceChunk) => boolean;
    dropped: (reason: string) => void;
    signal: AbortSignal;
  },
): AsyncGenerator<Candidate> {
  const passages = new Map<string, Place | SourceChunk>(input === undefined ? [] : await placesOf(input, signal));
  for (const chunk of others) passages.set(chunk.id, chunk);
  const byId = new Map(personas.map((persona) => [persona.id, persona]));
  // Of each example only where to find it: there may be a hundred thousand.
  const turns: number[] = [], speakers: Persona[] = [], found: (Place | SourceChunk)[] = [];
  for (const [turn, id] of ledger.remembered()) {
    const cut = id.lastIndexOf("/");
    const passage = passages.get(id.slice(0, cut)), persona = byId.get(id.slice(cut + 1));
    if (passage && persona) {
      turns.push(turn);
      speakers.push(persona);
      found.push(passage);
    } else dropped(passage ? "no_persona" : "no_passage");
  }
  let at = -1;
  for await (const chunk of chunksAt(found, input, signal)) {
    at++;
    const persona = speakers[at], asked = ledger.asked(turns[at] ?? 0);
    if (!persona || !asked) continue;
    if (passageHash(chunk) !== asked.passage) {
      dropped("other_passage");
      continue;
    }
    if (!keep(chunk)) {
      dropped("too_few_matches");
      continue;
    }
    // A theme that the passage no longer has binds nobody; one that has none was given its themes.
    const present = themesOf(chunk);
    const known = present.length > 0 ? asked.themes.filter((theme) => present.includes(theme)) : asked.themes;
    yield {
      chunk,
      persona,
      themes: known.length > 0 ? known : present,
      ...answersTo(asked, ledger),
    };
  }
}

/** The passages themselves, in this order: those of the corpus out of its file. */
async function* chunksAt(
  found: readonly (Place | SourceChunk)[],
  input: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<SourceChunk> {
  const isPlace = (one: Place | SourceChunk): one is Place => "offset" in one;
  await using rows = readPlaces(found.filter(isPlace), signal);
  for (const one of found) {
    if (!isPlace(one)) yield one;
    else {
      const row = await rows.next();
      if (row.done) return;
      yield parseLine(row.value, FilteredChunk, input ?? "");
    }
  }
}

const Identified = z.object({ id: z.string() });

/** @throws {UserError} naming the file and the cause. */
function parseLine<T>(bytes: Uint8Array, schema: z.ZodType<T>, place: string): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new UserError(`Cannot read "${place}": the line is not JSON`, { exitCode: 2, cause });
  }
  const row = schema.safeParse(value);
  if (row.success) return row.data;
  throw new UserError(`Cannot read "${place}": ${explain(row.error)}`, { exitCode: 2 });
}

/** Where each passage lies, by its id. */
async function placesOf(input: string, signal: AbortSignal): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  for await (const { place, bytes, number } of placedLines(input, signal)) {
    places.set(parseLine(bytes, Identified, `${input}:${number}`).id, place);
  }
  return places;
}
