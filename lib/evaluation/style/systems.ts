/** What a model wrote, made ready: prompts cut off, recitations cut out, one unit a prompt. */
import { type Copied, copiedFrom, excise, type Original, type Passage } from "./copying.ts";
import { type Reading, readPassage } from "./reading.ts";
import type { Tagger } from "./tagger.ts";

/** A continuation of a prompt. */
export interface Continuation extends Passage {
  /** Names the prompt: continuations of one prompt are drawn together. */
  readonly id: string;
}

/** All that one system wrote. */
export interface System {
  readonly units: readonly { readonly id: string; readonly readings: readonly Reading[] }[];
  readonly readings: readonly Reading[];
  /** Words that are measured. */
  readonly words: number;
  /** Words before copied ones were cut out. */
  readonly written: number;
  /** Share of the words that was cut out as copied. */
  readonly removed: number;
  readonly copied: Copied;
  /** Continuations without a word. */
  readonly empty: number;
  /** Continuations that began with their prompt, which was cut off. */
  readonly echoes: number;
}

/** Where a prompt ends that a text begins with, white space and the shapes of quotation marks aside; 0 where it does not. */
export function echoEnd(text: string, prompt: string | undefined): number {
  const fold = (sign: string) => /["\u201c\u201d]/.test(sign) ? '"' : /['\u2018\u2019]/.test(sign) ? "'" : sign;
  const isSpace = (sign: string | undefined) => sign !== undefined && /\s/.test(sign);
  let at = 0;
  let matched = false;
  for (const sign of prompt ?? "") {
    if (isSpace(sign)) continue;
    while (isSpace(text[at])) at++;
    if (fold(text.slice(at, at + sign.length)) !== fold(sign)) return 0;
    at += sign.length;
    matched = true;
  }
  return matched ? at : 0;
}

/** A continuation without the prompt that some servers repeat before it. */
export function withoutEcho(text: string, prompt: string | undefined): string {
  const end = echoEnd(text, prompt);
  return end > 0 ? text.slice(end).trimStart() : text;
}

/** Reads what a system wrote. */
export function readSystem(continuations: readonly Continuation[], original: Original, tag: Tagger): System {
  const cut = continuations.map(({ id, prompt, text }) => ({
    id,
    prompt,
    text: withoutEcho(text, prompt),
    whole: text,
  }));
  const copied = copiedFrom(original, cut);
  let removed = 0, words = 0, empty = 0;
  const units = new Map<string, Reading[]>();
  for (const { id, prompt, text } of cut) {
    const kept = excise(original, { text, prompt });
    removed += kept.removed;
    words += kept.words;
    const reading = readPassage(kept.text, tag);
    if (reading.words.length === 0) {
      if (kept.words === 0) empty++;
      continue;
    }
    const unit = units.get(id);
    if (unit) unit.push(reading);
    else units.set(id, [reading]);
  }
  const readings = [...units.values()].flat();
  return {
    units: [...units].map(([id, readings]) => ({ id, readings })),
    readings,
    words: readings.reduce((sum, { words }) => sum + words.length, 0),
    written: words,
    removed: words === 0 ? 0 : removed / words,
    copied,
    empty,
    echoes: cut.filter(({ text, whole }) => text !== whole).length,
  };
}

/** Two systems with only the prompts that both have continued, in one order. */
export function pairSystems(base: System, tuned: System): { base: System; tuned: System; unpaired: number } {
  const of = (system: System) => new Map(system.units.map((unit) => [unit.id, unit]));
  const baseUnits = of(base), tunedUnits = of(tuned);
  const ids = [...baseUnits.keys()].filter((id) => tunedUnits.has(id));
  const only = (system: System, units: typeof baseUnits): System => {
    const kept = ids.flatMap((id) => units.get(id) ?? []);
    const readings = kept.flatMap(({ readings }) => readings);
    const words = readings.reduce((sum, { words }) => sum + words.length, 0);
    return { ...system, units: kept, readings, words, written: system.written - (system.words - words) };
  };
  return {
    base: only(base, baseUnits),
    tuned: only(tuned, tunedUnits),
    unpaired: baseUnits.size + tunedUnits.size - 2 * ids.length,
  };
}
