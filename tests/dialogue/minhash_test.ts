import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { UserError } from "@/core/errors.ts";
import { createDuplicateIndex } from "@/dialogue/minhash.ts";
import { clusterDuplicates } from "@/dialogue/minhash_clusters.ts";
import { createShingleSet, hashShingles, shinglesIn } from "@/dialogue/minhash_shingles.ts";
import { agreement, collisionProbability, createSigner } from "@/dialogue/minhash_signature.ts";
import { createVocabulary } from "@/dialogue/words.ts";
import { seededRandom, shuffle } from "@/dialogue/random.ts";

/** Word 5-grams as strings: the plain way, to compare with. */
function shingles(text: string): Set<string> {
  const words = text.normalize("NFKC").toLowerCase().replace(/['’]/g, "").match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  const set = new Set<string>();
  for (let at = 0; at === 0 || at + 5 <= words.length; at++) set.add(words.slice(at, at + 5).join(" "));
  return set;
}

function jaccard(a: string, b: string): number {
  const first = shingles(a), second = shingles(b);
  const shared = first.intersection(second).size;
  return shared / (first.size + second.size - shared);
}

/** Words drawn from a vocabulary of a given size. */
function someWords(count: number, vocabulary: number, random: () => number): string[] {
  return Array.from({ length: count }, () => `w${Math.floor(random() * vocabulary)}`);
}

/** A copy with so many words replaced by new ones. */
function edited(words: readonly string[], edits: number, random: () => number): string[] {
  const copy = [...words];
  for (let edit = 0; edit < edits; edit++) {
    copy[Math.floor(random() * copy.length)] = `new${Math.floor(random() * 1e9)}`;
  }
  return copy;
}

/** Few words in many combinations, so that all similarities occur. */
function tangle(count: number, seed: number): string[] {
  const random = seededRandom("tangle", seed);
  const stock = Array.from({ length: 4 }, () => someWords(4 + Math.floor(random() * 30), 50, random));
  return Array.from({ length: count }, () => {
    const base = stock[Math.floor(random() * stock.length)] ?? [];
    const end = Math.floor(base.length * (0.6 + 0.4 * random()));
    return edited(base.slice(0, end), Math.floor(random() * 3), random).join(" ");
  });
}

/** One row a band: every pair with a similarity worth speaking of is compared. */
const EVERY_PAIR = { bands: 400, rows: 1 };

Deno.test("find meets planted near-duplicates and reports their exact similarity", () => {
  const random = seededRandom("planted");
  const index = createDuplicateIndex<number>();
  const texts: string[] = [];
  let due = 0, met = 0, between = 0, betweenMet = 0;
  for (let at = 0; at < 4000; at++) {
    const source = at > 0 && random() < 0.5 ? Math.floor(random() * at) : undefined;
    const words = source === undefined
      ? someWords(12 + Math.floor(random() * 128), 5000, random)
      : edited((texts[source] ?? "").split(" "), Math.floor(random() * 5), random);
    const text = words.join(" ");
    const found = index.find(text);
    if (found) {
      ok(found.jaccard >= 0.7);
      equal(found.jaccard, jaccard(text, texts[found.id] ?? ""));
    }
    if (source !== undefined) {
      const similarity = jaccard(text, texts[source] ?? "");
      if (similarity >= 0.8) {
        due++;
        if (found && found.jaccard >= similarity) met++;
      } else if (similarity >= 0.7) {
        between++;
        if (found) betweenMet++;
      }
    }
    texts.push(text);
    index.add(at, text);
  }
  ok(due > 700 && between > 150, `${due} and ${between} pairs`);
  ok(met / due >= 0.99, `found ${met} of ${due} from similarity 0.8 up`);
  ok(betweenMet / between >= 0.95, `found ${betweenMet} of ${between} between 0.7 and 0.8`);
});

Deno.test("find answers as comparing with every text does", () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const threshold of [0.3, 0.7, 1]) {
      const index = createDuplicateIndex<number>({ ...EVERY_PAIR, threshold });
      const texts: string[] = [];
      for (const text of tangle(40, seed)) {
        let best: { id: number; jaccard: number } | undefined;
        for (const [id, other] of texts.entries()) {
          const similarity = jaccard(text, other);
          if (similarity >= threshold && similarity > (best?.jaccard ?? 0)) best = { id, jaccard: similarity };
        }
        deepEqual(index.find(text), best, `seed ${seed}, threshold ${threshold}: ${text}`);
        index.add(texts.push(text) - 1, text);
      }
    }
  }
});

Deno.test("clusterDuplicates answers as comparing every pair does", () => {
  for (let seed = 0; seed < 20; seed++) {
    const texts = tangle(60, seed);
    const numbers = texts.map((_, index) => index);
    for (const [a, text] of texts.entries()) {
      for (const [b, other] of texts.entries()) {
        const [low, high] = [numbers[a] ?? 0, numbers[b] ?? 0].sort((x, y) => x - y);
        if (low !== high && jaccard(text, other) >= 0.7) {
          for (const [index, number] of numbers.entries()) if (number === high) numbers[index] = low ?? 0;
        }
      }
    }
    const inOrder = [...new Set(numbers)];
    deepEqual(clusterDuplicates(texts, EVERY_PAIR), numbers.map((number) => inOrder.indexOf(number)));
  }
});

Deno.test("clusterDuplicates puts the same texts together in any order", () => {
  const random = seededRandom("order");
  const texts: string[] = [];
  for (let at = 0; at < 2000; at++) {
    const source = at > 0 && random() < 0.4 ? texts[Math.floor(random() * at)] : undefined;
    const words = source === undefined
      ? someWords(40, 3000, random)
      : edited(source.split(" "), 1 + Math.floor(random() * 2), random);
    texts.push(words.join(" "));
  }
  const partition = (order: readonly string[]) => {
    const members = new Map<number, string[]>();
    for (const [at, number] of clusterDuplicates(order).entries()) {
      members.set(number, [...members.get(number) ?? [], order[at] ?? ""]);
    }
    return [...members.values()].map((texts) => texts.sort().join("\n")).sort();
  };
  const expected = partition(texts);
  ok(expected.length < 1700 && expected.length > 1100, `${expected.length} clusters`);
  for (let turn = 0; turn < 3; turn++) deepEqual(partition(shuffle(texts, random)), expected);
  deepEqual(partition(texts.toReversed()), expected);
});

Deno.test("find reads the same words whatever their dress", () => {
  const same: [string, string][] = [
    ["Don't STOP -- we shan’t, said (he); no!", "don’t stop we shan't said he no"],
    [
      "Caf\u00e9 na\u00efve r\u00e9sum\u00e9 d\u00e9j\u00e0 vu encore",
      "CAFE\u0301 nai\u0308ve re\u0301sume\u0301 de\u0301ja\u0300 vu encore",
    ],
    ["the \ufb01nal of\ufb01ce is open to every man", "The final office is open to every man"],
    ["soft\u00adly and with\u200bout a word he went", "softly and without a word he went"],
    ["\ud835\udc9c plan \ud83d\ude80 for the whole city\u2764\ufe0f", "a plan for the whole city"],
    ["\u{20000}\u{20001} one two three four five", "\u{20000}\u{20001}: one, two, three, four, five."],
    ["Глава первая: о городах и людях", "глава первая о городах и людях"],
  ];
  for (const [first, second] of same) {
    const index = createDuplicateIndex<string>();
    index.add("first", first);
    deepEqual(index.find(second), { id: "first", jaccard: 1 }, second);
  }
  const index = createDuplicateIndex<string>();
  index.add("first", "\u{20000} one two three four");
  equal(index.find("\u{20001} one two three four"), undefined);
});

Deno.test("find takes a text of fewer than five words as one shingle", () => {
  const index = createDuplicateIndex<string>();
  index.add("empty", "");
  index.add("one", "Build!");
  index.add("four", "We shall build it.");
  equal(index.find(" … ")?.id, "empty");
  equal(index.find("build")?.id, "one");
  equal(index.find("we shall build it")?.id, "four");
  equal(index.find("we shall build"), undefined);
  equal(index.find("we shall build it again"), undefined);
});

Deno.test("find bears odd texts", () => {
  const index = createDuplicateIndex<string>();
  const random = seededRandom("long");
  const long = someWords(180_000, 20_000, random);
  const odd: Record<string, string> = {
    repeated: "again ".repeat(10_000),
    long: long.join(" "),
    unbroken: "x".repeat(1_000_000),
    invisible: "\u00ad".repeat(1000),
    surrogates: "\ud800 \udc00 \ud800",
    dots: ". ".repeat(500_000),
  };
  ok(odd.long && odd.long.length > 1_000_000);
  for (const [id, text] of Object.entries(odd)) index.add(id, text);
  equal(index.size, 6);
  deepEqual(index.find("again again again again again"), { id: "repeated", jaccard: 1 });
  deepEqual(index.find(odd.unbroken ?? ""), { id: "unbroken", jaccard: 1 });
  deepEqual(index.find(".!?"), { id: "invisible", jaccard: 1 });
  const near = edited(long, 1000, random).join(" ");
  deepEqual(index.find(near), { id: "long", jaccard: jaccard(near, odd.long) });
  equal(index.find("a short text after a very long one is still read as it is"), undefined);
});

Deno.test("find names the first of equally similar texts, however many there are", () => {
  const index = createDuplicateIndex<number>();
  const text = "The house that we built stands where the old mill stood by the river.";
  for (let id = 0; id < 20_000; id++) index.add(id, text);
  equal(index.size, 20_000);
  deepEqual(index.find(text.toUpperCase()), { id: 0, jaccard: 1 });
  const numbers = clusterDuplicates(Array.from({ length: 20_000 }, (_, at) => at % 2 ? text : `${text} Truly.`));
  ok(numbers.every((number) => number === 0));
});

Deno.test("find does not depend on what was asked before", () => {
  const texts = tangle(200, 99);
  const index = createDuplicateIndex<number>(), asked = createDuplicateIndex<number>();
  for (const [id, text] of texts.entries()) {
    for (const other of ["quite another text, with words that nobody used before it", texts[id + 1] ?? ""]) {
      asked.find(other);
    }
    index.add(id, text);
    asked.add(id, text);
  }
  for (const text of tangle(50, 98).concat(texts)) deepEqual(asked.find(text), index.find(text));
});

Deno.test("createDuplicateIndex refuses settings that mean nothing", () => {
  for (const threshold of [0, -1, 1.1, NaN]) throws(() => createDuplicateIndex({ threshold }), UserError);
  for (const bands of [0, 2.5, 1000]) throws(() => createDuplicateIndex({ bands }), UserError);
  throws(() => clusterDuplicates([], { rows: -1 }), UserError);
  deepEqual(clusterDuplicates([]), []);
});

Deno.test("ShingleSet counts words, not hashes", () => {
  const vocabulary = createVocabulary();
  const read = (text: string) => {
    const ids = vocabulary.read(text);
    return { ids, start: 0, count: ids.length };
  };
  const first = read("a b c d e f a b c d e g"), second = read("x a b c d e f a b");
  const set = createShingleSet();
  const allTheSame = new Uint32Array(20);
  equal(set.load(first, allTheSame), 7);
  equal(set.shared(second, allTheSame, 0), 4);
  equal(set.shared(second, allTheSame, 4), 4);
  equal(set.shared(second, allTheSame, 5), 0);
});

Deno.test("signatures agree as often as texts are similar, at any length", () => {
  const banding = { bands: 20, rows: 5 };
  const sign = createSigner(banding);
  const random = seededRandom("signatures");
  const vocabulary = createVocabulary();
  for (const length of [6, 10, 20, 60, 120, 1000]) {
    for (const share of [0.05, 0.15]) {
      let bias = 0, squares = 0, expected = 0, chance = 0;
      const pairs = 600;
      for (let pair = 0; pair < pairs; pair++) {
        // Two texts that begin alike share a run of shingles.
        const ends = Math.ceil(length * share);
        const head = someWords(length, 1e6, random);
        const texts = [0, 1].map(() => [...head, ...someWords(ends, 1e6, random)].join(" "));
        const [first, second] = texts.map((text) => {
          const ids = vocabulary.read(text);
          const count = ids.length;
          const hashes = new Uint32Array(shinglesIn(count));
          const { values, sketch } = sign(hashes, hashShingles({ ids, start: 0, count }, vocabulary.hashes(), hashes));
          return { values: values.slice(), sketch: sketch.slice() };
        });
        ok(first && second);
        const agreed = first.values.filter((value, bin) => value === second.values[bin]).length;
        const bytes = agreement(first.sketch, second.sketch, 0);
        ok(bytes >= agreed, `${agreed} values and ${bytes} of their low bytes agree`);
        chance += (bytes - agreed) / Math.max(1, 100 - agreed);
        equal(agreement(second.sketch, second.sketch, 0), 100);
        const truth = jaccard(texts[0] ?? "", texts[1] ?? "");
        bias += agreed / 100 - truth;
        squares += (agreed / 100 - truth) ** 2;
        expected += truth * (1 - truth) / 100;
      }
      const what = `${length} words, ${share} replaced`;
      // Three standard errors of the mean; the spread of 100 independent hashes, and what shingles that share a bin add.
      ok(chance / pairs < 3 / 256, `${what}: ${chance / pairs} of the other bytes agree by chance`);
      ok(Math.abs(bias / pairs) < 3 * Math.sqrt(squares) / pairs, `${what}: bias ${bias / pairs}`);
      ok(
        squares < expected * (length < 60 ? 2 : 1.3),
        `${what}: variance ${squares / expected} of what independent hashes have`,
      );
    }
  }
});

Deno.test("collisionProbability meets the targets of the default banding", () => {
  const at = (similarity: number) => collisionProbability(similarity, { bands: 20, rows: 5 });
  ok(at(0.8) > 0.999);
  equal(at(0.7).toFixed(3), "0.975");
  equal(at(0.6).toFixed(2), "0.80");
  equal(at(1), 1);
  equal(at(0), 0);
});
