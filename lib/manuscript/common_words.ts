/** Small words that say nothing about a topic, and that tell English from other languages. */

/** About half of all English running words. */
export const COMMON_WORDS: ReadonlySet<string> = new Set(
  ("the of and a to in is you that it he was for on are as with his they i at be this have from or one had by but not " +
    "what all were we when your can said there an each which she do how their if will up other about out many then them " +
    "these so some her would make like him into has two more no way could my than first been who its now down did get " +
    "come made may over only very after just where most me before too any same our us such here why off again back " +
    "even through through still own much must yes yet nor upon while until ever never always once because against " +
    "between without within around behind under above toward towards another something nothing anything everything " +
    "somebody someone nobody everyone every both few whose whom himself herself itself yourself themselves myself am " +
    "being does doing done having should might shall ought go goes going gone went got let say says saying tell told " +
    "ask asks asked know knows knew think thinks thought see sees saw look looks looked take takes took put puts come " +
    "comes came don't doesn't didn't isn't aren't wasn't weren't won't can't couldn't wouldn't shouldn't haven't hasn't " +
    "hadn't it's that's there's you're you've you'll you'd he's she's they're we're i'm i've i'll i'd he'd she'd they'd " +
    "what's who's let's mr mrs ms dr well oh quite rather perhaps also though although").split(" "),
);

/** The first of them alone: other languages have few of these. */
const TELLING = new Set(
  "the of and to is you that it he was for are with his they be this have from had by but not were when your can said there she which their if will would him has been could my than"
    .split(
      " ",
    ),
);

const WORD = /\p{L}+(?:['\u2019]\p{L}+)*/gu;
/** Enough of a text to tell its language by. */
const SAMPLE = 4000;

/** Which share of a text's words are the commonest English ones, 0 to 1, and of how many words that was counted. */
export function englishShare(text: string): { words: number; share: number } {
  // From the middle: title pages and mottoes are no prose.
  const from = Math.max(0, Math.floor((text.length - SAMPLE) / 2));
  const words = text.slice(from, from + SAMPLE).toLowerCase().match(WORD) ?? [];
  const common = words.filter((word) => TELLING.has(word)).length;
  return { words: words.length, share: words.length === 0 ? 0 : common / words.length };
}

/** A word as topics are compared by: without its ending; undefined for one that says nothing about a topic. */
export function topicWord(word: string): string | undefined {
  if (word.length < 3 || COMMON_WORDS.has(word)) return undefined;
  const plain = word.replace(/['\u2019]\p{L}+$/u, "");
  if (plain.length < 3 || COMMON_WORDS.has(plain)) return undefined;
  if (plain.length > 5 && plain.endsWith("ing")) return plain.slice(0, -3);
  if (plain.length > 4 && plain.endsWith("ed")) return plain.slice(0, -2);
  if (plain.length > 4 && plain.endsWith("es")) return plain.slice(0, -2);
  if (plain.length > 3 && plain.endsWith("s") && !plain.endsWith("ss")) return plain.slice(0, -1);
  if (plain.length > 4 && plain.endsWith("e")) return plain.slice(0, -1);
  return plain;
}
