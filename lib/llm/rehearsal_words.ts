/** Takes things and short quotations out of a passage by simple English word order, without a dictionary. */

const DETERMINERS = new Set("the a an our my his its their your every each".split(" "));

/** Words that a noun phrase ends before. */
const FOLLOWERS = new Set(
  ("of in and was were is are to which that at on for from with by had has have would shall will could should must may " +
    "might or but as into upon between over under when where who whom it he she they i we you than then so if because " +
    "until while against about through before after without within toward towards among like not be been did does")
    .split(
      " ",
    ),
);

/** Words that follow a determiner without naming a thing, or name the page instead of the matter. */
const NOT_THINGS = new Set(
  ("same other others first second third last next former latter one two more most least less own very rest thing way time " +
    "moment end part side deal lot kind sort number few many little great good better best bad worse worst old young new " +
    "whole poor rich dead true false right wrong old high low long short only such all both half present past own " +
    "author writer reader text passage book chapter story page volume paragraph footnote illustration mr mrs sir doubt " +
    "like while hundred thousand dozen case fact matter name hand head back day evening morning night hour minute " +
    "contrary way bit pair use sake means is was so point").split(" "),
);

/** People are spoken to and of, not weighed like things. */
const PEOPLE =
  /(?:man|woman|wife|master|mistress|keeper|maker|ian|ress|ist)$|^(?:girl|boy|child|mother|father|brother|sister|son|daughter|husband|widow|wife|baker|priest|poet|inventor|person|midwife|carpenter|farmer|soldier|officer|doctor|captain|teacher|pupil|student|worker|comrade|king|queen|prince|stranger|visitor|traveller|principal|patient|invalid|patriarch|guest|host|lady|nurse|clerk|judge|lover|peasant|servant|burglar|dissenter|benefactor)$/;

const PLURALS = /(?:[^su']s|men|women|people|children|folk|feet|teeth|police|cattle|geese|mice)$/;

/** Endings that make an English word the name of a thing. */
const NAMES_A_THING = /^[a-z]{2,}(?:tion|ment|ness|ity|ism|ance|ence|ship|hood|dom|ture|sure|mony|logy)$/;

/** For passages that name too little. */
const ALWAYS = [
  "long winter",
  "common work",
  "open road",
  "first harvest",
  "red dust",
  "night watch",
  "old quarrel",
] as const;

/**
 * Single things that a passage names, those on theme and often named first; never fewer than five.
 *
 * @param preferred Words that the theme filter matched.
 */
export function things(passage: string, preferred: readonly string[]): string[] {
  const weight = new Map<string, number>();
  const tokens = passage.match(/[A-Za-z][A-Za-z'’-]*|[^\sA-Za-z]/g) ?? [];
  tokens.forEach((noun, at) => {
    const after = (tokens[at + 1] ?? ".").toLowerCase();
    const determined = DETERMINERS.has((tokens[at - 1] ?? "").toLowerCase()) &&
      (FOLLOWERS.has(after) || /^[^a-z]$/.test(after));
    if (!determined && !NAMES_A_THING.test(noun)) return;
    if (!/^[a-z]{4,14}$/.test(noun) || NOT_THINGS.has(noun) || PLURALS.test(noun) || PEOPLE.test(noun)) return;
    if (/(?:ly|ed|(?<!qu|gu|ch|harv|for|inter|pri|prot|temp)est|ous|ful|less|able|ible|ish|ing)$/.test(noun)) return;
    weight.set(noun, (weight.get(noun) ?? (preferred.includes(noun) ? 4 : 0)) + 1);
  });
  const found = [...weight].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([noun]) => noun);
  // Turned by the passage's length, so that two bare passages do not fall back on the same things.
  const spare = ALWAYS.map((_, at) => ALWAYS[(at + passage.length) % ALWAYS.length] ?? ALWAYS[0]);
  return [...found, ...spare.slice(0, Math.max(0, 5 - found.length))];
}

/** Clauses of four to eight plain words that can be quoted on their own. */
export function quotable(passage: string): string[] {
  return passage.split(/[.,;:!?()\[\]"“”_*—–\n]|--/).map((clause) => clause.trim().replace(/\s+/g, " ")).filter(
    (clause) => {
      const words = clause.split(" ");
      return words.length >= 4 && words.length <= 8 && /^[A-Za-z'’ -]+$/.test(clause) &&
        /^(?:the|a|an|no|every|all|our|my|his|their|each|there|we|men|it is|it was)\b/i.test(clause) &&
        !/\b(?:author|writer|reader|text|passage|book|chapter|story|page|said|cried|replied|asked)\b/i.test(clause) &&
        !/\b(?:of|the|and|to|a|an|in|with|for|by|that|which|who|or|but|as|his|her|my|our)$/i.test(clause);
    },
  );
}

/** How a persona addresses its listener, as its voice says: `addresses people as "citizen"`. */
export function addresses(voice: string): string[] {
  return voice.split(/[.;]/)
    .filter((clause) => /\b(?:address|call|opens? with|says? "friend)/i.test(clause) && !/\bnever\b/i.test(clause))
    .flatMap((clause) => [...clause.matchAll(/["“]([A-Za-z][A-Za-z' -]{2,30})["”]/g)].map(([, name = ""]) => name))
    .filter((name) => name.split(" ").length <= 4 && !/^(?:we|I|let us .*|I .*|the .*)$/i.test(name))
    .map((name) => name.charAt(0).toLowerCase() + name.slice(1));
}
