/** Examples as a model might write them, with near-duplicates planted among them; the same for the same seed. */
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { seededRandom } from "@/dialogue/random.ts";

/** Texts and, for each, the earlier one that it is an edit of. */
export interface Planted {
  readonly texts: string[];
  readonly source: (number | undefined)[];
}

/** Words of the sample books in running order: original texts that come with the project. */
async function sampleWords(): Promise<string[]> {
  const words: string[] = [];
  for (let book = 99001; book <= 99011; book++) {
    const path = join(WORKSPACE, "data-samples", "mirror", "cache", "epub", `${book}`, `pg${book}.txt`);
    const text = await Deno.readTextFile(path).catch(() => "");
    words.push(...text.match(/\p{L}+(?:['’]\p{L}+)?/gu) ?? []);
  }
  if (words.length === 0) throw new Error(`Cannot read the sample books under "${join(WORKSPACE, "data-samples")}"`);
  return words;
}

/**
 * Texts of about 120 words: each word follows the last as somewhere in the books or, as often, is any word of them, so
 * that frequencies are those of prose and 5-grams seldom recur. One in ten is an earlier text with up to six words
 * replaced, dropped or doubled and its punctuation changed, which puts similarities between 0.5 and 1.
 */
export async function plantedTexts(count: number, seed: number): Promise<Planted> {
  const words = await sampleWords();
  const places = new Map<string, number[]>();
  for (const [place, word] of words.entries()) {
    const list = places.get(word);
    if (list) list.push(place);
    else places.set(word, [place]);
  }
  const random = seededRandom("planted texts", seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const anyWord = () => words[below(words.length)] ?? "";
  const drafts: string[][] = [];
  const source: (number | undefined)[] = [];
  for (let index = 0; index < count; index++) {
    const from = index > 10 && random() < 0.1 ? below(index) : undefined;
    const draft = from === undefined ? [] : [...drafts[from] ?? []];
    if (from === undefined) {
      for (let length = 90 + below(61), last = anyWord(); draft.length < length; draft.push(last)) {
        const following = places.get(last) ?? [];
        last = (random() < 0.5 ? words[(following[below(following.length)] ?? 0) + 1] : undefined) ?? anyWord();
      }
    } else {
      for (let edits = below(7); edits > 0; edits--) {
        const at = below(draft.length), kind = random();
        if (kind < 0.6) draft[at] = anyWord();
        else if (kind < 0.8) draft.splice(at, 1);
        else draft.splice(at, 0, draft[at] ?? "");
      }
    }
    drafts.push(draft);
    source.push(from);
  }
  const texts = drafts.map((draft) => {
    let text = "", fresh = true;
    for (const word of draft) {
      text += (text === "" ? "" : " ") + (fresh ? word.slice(0, 1).toUpperCase() + word.slice(1) : word);
      const turn = random();
      fresh = turn < 0.07;
      if (turn < 0.14) text += fresh ? "." : ",";
    }
    return text;
  });
  return { texts, source };
}
