/**
 * The closed classes of English: articles, pronouns, prepositions, conjunctions, auxiliaries, particles, common adverbs of
 * place, time and degree, and their contractions. They carry grammar rather than subject, and so a writer's habit
 * (Mosteller and Wallace 1964). Everything else is a content word.
 */
const CLASSES: readonly string[] = [
  // Articles, demonstratives, quantifiers.
  "a an the this that these those some any no every each either neither both all half such what which whatever whichever",
  "many much more most few fewer less least several enough other others another one ones two three none own same",
  // Pronouns.
  "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself",
  "it its itself they them their theirs themselves who whom whose whoever someone somebody something anyone anybody",
  "anything everyone everybody everything nobody nothing oneself thee thou thy",
  // Prepositions and particles.
  "of in on at by to from with without within into onto upon out off up down over under above below between among amongst",
  "through across along around about against toward towards before after behind beside besides beyond near since until till",
  "during for as like unlike than except despite per via past inside outside away back forth aside apart together round",
  // Conjunctions.
  "and but or nor yet so if unless because though although while whilst whereas whether when whenever where wherever once",
  "lest however therefore thus hence otherwise else",
  // Auxiliaries.
  "am is are was were be been being have has had having do does did doing done will would shall should can could may might",
  "must ought need dare cannot let",
  // Adverbs.
  "not never ever always often sometimes seldom rarely usually again still already just only even also too very quite rather",
  "almost nearly hardly scarcely perhaps maybe indeed then now soon later here there everywhere somewhere nowhere anywhere",
  "how why well far long much so instead anyway yes",
  // Contractions.
  "i'm i've i'll i'd you're you've you'll you'd he's he'll he'd she's she'll she'd it's it'll it'd we're we've we'll we'd",
  "they're they've they'll they'd that's that'll there's here's what's who's where's how's let's isn't aren't wasn't weren't",
  "don't doesn't didn't haven't hasn't hadn't won't wouldn't can't couldn't shouldn't mustn't needn't mightn't ain't o'clock",
];

/** All function words, lower-cased, with straight apostrophes. */
export const FUNCTION_WORDS: ReadonlySet<string> = new Set(CLASSES.flatMap((line) => line.split(" ")));
