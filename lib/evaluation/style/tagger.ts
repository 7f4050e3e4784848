/** Parts of speech, by wink-nlp and its small English model (4 MB), loaded by the first who asks. */

/** Universal part-of-speech tags of the words and signs of a sentence, in order. */
export type Tagger = (sentence: string) => readonly string[];

let loading: Promise<Tagger> | undefined;

/** The tagger; about half a second the first time. */
export function loadTagger(): Promise<Tagger> {
  return loading ??= load();
}

async function load(): Promise<Tagger> {
  const names = { wink: "wink-nlp", model: "wink-eng-lite-web-model" }; // Computed: fetched by who tags, and not before.
  const [{ default: winkNlp }, { default: model }] = await Promise.all([
    import(names.wink) as Promise<{ default: typeof import("wink-nlp").default }>,
    import(names.model) as Promise<{ default: import("wink-nlp").Model }>,
  ]);
  const nlp = winkNlp(model, ["pos"]);
  return (sentence) => nlp.readDoc(sentence).tokens().out(nlp.its.pos);
}
