/** Dialogue out of scripts: Fountain, indented screenplays, and plays that put the name before the words. */
import { cutBetween } from "./source_prose.ts";

/** Words of one person, without directions. */
export interface Turn {
  readonly who: string;
  readonly words: string;
}

export interface Scene {
  /** Its heading; empty before the first. */
  readonly heading: string;
  readonly turns: Turn[];
}

/** Fountain's headings, forced ones, and those of plays: `ACT II`, `SCENE 3. A reading room.` */
const SCENE =
  /^(?:(?:INT|EXT|EST|I\/E|INT\.?\/EXT)[. ].*|\.[\p{L}\p{N}].*|(?:ACT|SCENE) (?:[IVXL]+|\d+)\b.{0,200}|(?:PROLOGUE|EPILOGUE)\.?)$/u;
/** Fountain: sections, synopses, page breaks, transitions, forced action, lyrics, centred text. */
const SET_ASIDE = /^(?:#{1,6}\s|=|>|!|~|-{3,}$|\*{3,}$)/;
const TRANSITION =
  /^(?:FADE (?:IN|OUT|TO)|(?:CUT|DISSOLVE|MATCH CUT|SMASH CUT) TO|CONTINUED|THE END|CURTAIN|MORE)\b.{0,20}$|TO:$/;
/** `NAME: words` and `NAME. words`, perhaps with a direction between, perhaps in italics or bold. */
const INLINE = /^[*_]{0,2}(\p{Lu}[\p{L}\p{N} .'’-]{0,30}?)[*_]{0,2}\s*(\([^)]{1,80}\))?\s*([:.])[*_]{0,2}\s+(\S.*)$/u;
/** After a cue: `(V.O.)`, `(CONT'D)`, and Fountain's mark of dialogue spoken at once. */
const EXTENSION = /\s*(?:\([^)]*\)\s*)*\^?$/;

/**
 * The dialogue of a script, scene by scene. Action, directions, transitions, notes and title pages are left out.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseScript } from "@/dialogue/source_script.ts";
 *
 * const script = "INT. AIR-LOCK - NIGHT\n\nThe lamp fails.\n\nVERA (O.S.)\n(quietly)\nIs anybody there?\n\nMACHINE\nI am.\n";
 * deepEqual(parseScript(script), [{
 *   heading: "INT. AIR-LOCK - NIGHT",
 *   turns: [{ who: "Vera", words: "Is anybody there?" }, { who: "Machine", words: "I am." }],
 * }]);
 * ```
 */
export function parseScript(text: string): Scene[] {
  const lines = cutBetween(cutBetween(text, "/*", "*/"), "[[", "]]").split("\n").map((line) => line.trim());
  const names = inlineNames(lines);
  const scenes: Scene[] = [{ heading: "", turns: [] }];
  let speaking: { who: string; words: string[] } | undefined;
  const finish = () => {
    const turns = scenes.at(-1)?.turns;
    const words = speaking ? spoken(speaking.words) : "";
    if (speaking && turns && words) {
      const before = turns.at(-1);
      // Parted by a direction, it is still one speech.
      if (before?.who === speaking.who) {
        turns[turns.length - 1] = { who: before.who, words: `${before.words} ${words}` };
      } else turns.push({ who: speaking.who, words });
    }
    speaking = undefined;
  };
  lines.forEach((line, at) => {
    const inline = inlineCue(line, names);
    if (line === "") finish();
    else if (SCENE.test(line)) {
      finish();
      scenes.push({ heading: line.replace(/^\./, "").replace(/\s*#[^#]*#$/, ""), turns: [] });
    } else if (inline) {
      finish();
      speaking = { who: nameOf(inline.who), words: [inline.words] };
    } else if (speaking) speaking.words.push(line);
    else if (isCue(line, lines[at - 1] ?? "", lines[at + 1] ?? "")) {
      speaking = { who: nameOf(line.replace(/^@/, "").replace(EXTENSION, "")), words: [] };
    }
  });
  finish();
  return scenes.filter(({ turns }) => turns.length > 0);
}

/** A name alone on its line, in capitals, above what it says. */
function isCue(line: string, before: string, after: string): boolean {
  if (after === "" || before !== "" || SET_ASIDE.test(line) || TRANSITION.test(line)) return false;
  if (line.startsWith("@")) return line.length > 1;
  const name = line.replace(EXTENSION, "").replace(/\bMa?c(?=\p{Lu})/gu, "MC"); // McCOY
  return name.length <= 40 && name === name.toUpperCase() && /\p{Lu}/u.test(name) && !/[.!?:,;"]$/.test(name) &&
    name.split(/\s+/).length <= 5;
}

/** Names before words that are surely names: in capitals, or met with a colon more than once. */
function inlineNames(lines: readonly string[]): Set<string> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const [, who = "", , mark] = INLINE.exec(line) ?? [];
    if (who !== "" && who.split(" ").length <= 4) {
      const sure = who === who.toUpperCase() && who.length > 1;
      counts.set(who, (counts.get(who) ?? 0) + (sure ? 2 : mark === ":" ? 1 : 0));
    }
  }
  return new Set([...counts].filter(([, count]) => count >= 2).map(([name]) => name));
}

function inlineCue(line: string, names: ReadonlySet<string>): { who: string; words: string } | undefined {
  const [, who = "", , , words = ""] = INLINE.exec(line) ?? [];
  return names.has(who) && !SCENE.test(line) ? { who, words } : undefined;
}

/** `CHIEF ENGINEER` → `Chief Engineer`: capitals would be copied. */
function nameOf(cue: string): string {
  const name = cue.replace(/[*_]/g, "").trim();
  return name === name.toUpperCase()
    ? name.toLowerCase().replace(/(?<![\p{L}'’])\p{L}/gu, (letter) => letter.toUpperCase())
    : name;
}

/** What is heard: no directions in brackets, no emphasis. */
function spoken(lines: readonly string[]): string {
  return lines.join(" ").replace(/\([^)]{0,120}\)/g, " ").replace(/[*_]+|\\(?=[*_])/g, "").replace(/\s+/g, " ").trim();
}
