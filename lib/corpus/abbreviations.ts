/** What a full stop follows without ending a sentence, and words that tell. */

const words = (list: string): ReadonlySet<string> => new Set(list.split(" "));

/** Before a name, with a capital: the sentence goes on. */
export const TITLES = words(
  "Mr Mrs Ms Messrs Mm Mme Mmes Mlle Mlles Mdm Mdme Dr Drs Prof Rev Revd Hon Gen Col Capt Lieut Lt Maj Sergt Sgt Corp " +
    "Cpl Pvt Adm Comdr Cmdr Gov Sen Rep Pres Supt Insp Atty Herr Fr Bro Mgr Msgr Mt Ft Ste Sra MM MR MRS DR",
);
/** Before a number, Arabic or Roman: the sentence goes on. */
export const REFERENCES = words(
  "nr vol vols chap chaps ch cap fig figs p pp pg par sec sect art bk pt pts ed v vs vv l ll n nn col cols tab pl lib act " +
    "sc op c ca jan feb mar apr jun jul aug sep sept oct nov dec s d f ff",
);
/** Within a sentence, whatever follows. */
export const INNER = words("e.g i.e viz cf vs al scil ibid approx");
/** Ends a sentence only where the next word is one that begins sentences. */
export const AMBIGUOUS = words("st co ltd inc bros jr sr esq etc &c ph.d ll.d univ dept ave mss obs anon trans");
/** Abbreviations that look like words. */
export const WORDLIKE: ReadonlySet<string> = new Set([...REFERENCES, ...INNER, ...AMBIGUOUS, "no", "nos"]);
/** The forms of all these: told without making a string of a word, which costs more than all else. */
export const SHORT_FORMS = new Uint8Array(1 << 13);
for (const word of [...WORDLIKE, ...TITLES]) SHORT_FORMS[formOf(word, 0, word.length)] = 1;
/** Words that begin sentences and hardly ever names. */
export const STARTERS = words(
  "he she it they we you i the a an this that these those there then thus so but and or nor yet for if when while where " +
    "what who why how which in on at by as to from with without after before his her its their our my your all no not one " +
    "some many most such each every both neither either once never now here perhaps indeed however",
);

/** A number of 13 bits for the first two letters of a word, the last, and its length: few words share one. */
export function formOf(text: string, start: number, end: number): number {
  const letter = (at: number) => text.charCodeAt(at) & 0x1f;
  return (letter(start) << 8 | letter(end - 1) << 3 | end - start & 7) ^ letter(start + 1) << 4;
}
