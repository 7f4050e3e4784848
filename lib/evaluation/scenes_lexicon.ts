/** Words by which kinds of scenes are told apart, chosen by hand; each verb stands for all of its forms. */

/** What bodies do fast or with force. */
const MOTION =
  "run dash sprint bolt flee race rush charge lunge leap jump vault dive duck dodge swerve roll crawl scramble climb " +
  "clamber stumble stagger slip slide skid trip fall tumble drop kick punch strike hit slap stab slash slam smash crash " +
  "shove push pull drag haul heave yank jerk wrench grab snatch seize grip clutch catch throw hurl fling toss swing spin " +
  "twist turn shoot fire aim load reload burst explode crack shatter break tear rip snap snip cut bite scream shout yell " +
  "hurry chase stamp stomp kneel crouch limp wriggle squeeze brace plunge sink surge lurch hammer pound bang wrestle " +
  "struggle fight block parry tackle hook bleed choke gasp pant dart skirt zigzag haul whirl swim steer";
/** What minds do. */
const THOUGHT =
  "think know believe wonder suppose imagine remember recall forget realise realize understand consider doubt wish hope " +
  "want fear regret miss love hate despise feel dream guess reflect ponder mean matter forgive trust decide expect pretend " +
  "notice prefer admit blame envy mourn grieve deserve bear need seem rehearse";
/** Feelings, states and matters of the mind. */
const MIND =
  "thought thoughts mind memory memories feeling feelings guilt shame grief sorrow joy pride fear love courage kindness " +
  "truth lie meaning difference afraid ashamed sorry happy happier sad lonely tired brave foolish alone sure certain " +
  "perhaps maybe somehow anyway whether why honest despair envy mercy conscience self soul dream dreams silence absence " +
  "happiness sentimental grateful jealous calm empty";
/** How things are, have been and are called. */
const STATE =
  "be have stand lie contain consist belong include hold live build make call own pay buy sell cost measure weigh lead " +
  "run last use employ receive carry serve come entitle require forbid allow keep know consider give write paint arrange";
/** Words of accounts and descriptions: numbers, places, institutions, habits. */
const ACCOUNT =
  "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty hundred thousand first " +
  "second third fourth fifth half each every most many few several some all none neither both usually always often rarely " +
  "never seldom according north south east west year years century winter summer spring autumn month day days hour hours " +
  "metre metres meter meters mile miles floor floors room rooms street house houses city town village country river canal " +
  "road roads wall walls gate door doors window tower building station department order family families law laws rule " +
  "rules custom system machine people teachers ancestors members kind kinds side sides part parts level made built named " +
  "called known given owned founded responsible yellow grey white red brick stone wood iron glass name names";

const IRREGULAR: Readonly<Record<string, string>> = {
  run: "ran",
  flee: "fled",
  leap: "leapt",
  dive: "dove",
  slide: "slid",
  fall: "fell fallen",
  strike: "struck",
  catch: "caught",
  throw: "threw thrown",
  fling: "flung",
  swing: "swung",
  spin: "spun",
  shoot: "shot",
  break: "broke broken",
  tear: "tore torn",
  bite: "bit bitten",
  kneel: "knelt",
  sink: "sank sunk",
  fight: "fought",
  bleed: "bled",
  swim: "swam",
  shake: "shook shaken",
  think: "thought",
  know: "knew known",
  forget: "forgot forgotten",
  understand: "understood",
  feel: "felt",
  dream: "dreamt",
  mean: "meant",
  forgive: "forgave forgiven",
  be: "is are was were been being am",
  have: "has had having",
  stand: "stood",
  lie: "lay lying",
  hold: "held",
  build: "built",
  make: "made",
  pay: "paid",
  buy: "bought",
  sell: "sold",
  lead: "led",
  come: "came",
  forbid: "forbade forbidden",
  keep: "kept",
  give: "gave given",
  write: "wrote written",
  bear: "bore borne",
};

/** All forms of regular verbs and those of the irregular ones above. */
export function verbForms(verb: string): string[] {
  const stem = verb.endsWith("e") ? verb.slice(0, -1) : verb;
  const short = /^[^aeiou]*[aeiou][bdgklmnprt]$/.test(verb) ? verb + verb.at(-1) : stem;
  const y = /[^aeiou]y$/.test(verb);
  const third = y ? `${verb.slice(0, -1)}ies` : /(?:s|sh|ch|x|z|o)$/.test(verb) ? `${verb}es` : `${verb}s`;
  return [
    verb,
    third,
    y ? `${verb.slice(0, -1)}ied` : `${short}ed`,
    `${y ? verb : short}ing`,
    ...(IRREGULAR[verb]?.split(" ") ?? []),
  ];
}

const verbs = (list: string) => new Set(list.split(" ").flatMap(verbForms));

export const MOTION_WORDS: ReadonlySet<string> = verbs(MOTION);
export const THOUGHT_WORDS: ReadonlySet<string> = new Set([...verbs(THOUGHT), ...MIND.split(" ")]);
export const ACCOUNT_WORDS: ReadonlySet<string> = new Set([...verbs(STATE), ...ACCOUNT.split(" ")]);
