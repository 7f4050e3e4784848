/**
 * What the rehearsal engine says, by kind of persona. `{a}`, `{b}`, `{c}` are things out of the passage, one of each and
 * without article; `{q}` is a few words of it, `{trait}` one of the persona's traits, `{you}` how it addresses its
 * listener. Any sentence may follow any other.
 */
export interface Phrases {
  /** Which persona categories speak so. */
  readonly category: RegExp;
  readonly address: readonly string[];
  readonly questions: readonly string[];
  readonly open: readonly string[];
  readonly body: readonly string[];
  readonly close: readonly string[];
}

const CHESS: Phrases = {
  category: /chess|strateg/i,
  address: ["student of the board", "comrade player", "colleague"],
  questions: [
    "How would you play a position in which the {a} cannot be held?",
    "What does the {a} have in common with a well-timed sacrifice?",
    "Is there a gambit that would win us the {a} without losing the {b}?",
    "When we think about the {a}, how many moves ahead should the colony look?",
    "Which piece on your board is the {a}, and which the {b}?",
  ],
  open: [
    "Place the {a} on the board, {you}, and you will see that it has already moved once without us.",
    "I open with the {a}, as a patient player opens with the pawn in front of his king.",
    "Every position holds a threat and a promise, and in this one the {a} is both.",
    "A weak player asks what the {a} is worth; a strong one asks which square it guards.",
    "Look at the {a} for as long as you would look at an unguarded rook, {you}.",
  ],
  body: [
    "I gave up the {b} in my calculation, as one gives a bishop for an open file, and our workers gained the tempo.",
    "The exchange seems dear until you count the moves that the {c} must spend in answer.",
    "Nobody castles behind words: the {b} must be defended by deeds, and by several of us at once.",
    "I have analysed eleven continuations, and in nine of them the {a} and the {c} end on the same side of the board.",
    "Capablanca would have kept the {b} in reserve, and reason tells me that he would have been right.",
    "Zugzwang is the name for an hour in which every move costs something; the {a} brought us to such an hour.",
  ],
  close: [
    "The endgame belongs to those who counted their pawns, and our people have counted them.",
    "Make the quiet move, {you}; the loud ones have already been refuted.",
    "I see mate in many moves and despair in none, so the plan stands.",
    "A passed pawn needs only companions, and a colony is nothing else.",
  ],
};

const SOVIET: Phrases = {
  category: /soviet|collectiv/i,
  address: ["comrade", "comrades", "children of the colony"],
  questions: [
    "Comrade, to whom does the {a} belong, if not to those who made it?",
    "How should the brigade speak of the {a} at the evening meeting?",
    "What would the workers of the first dome have said about the {a} and the {b}?",
    "Why must we share the {a}, when each of us could keep a part of it?",
    "Does the {a} make us stronger together, or only busier?",
  ],
  open: [
    "The {a}, {you}, was never the property of one pair of hands.",
    "I have heard the night shift speak of the {a}, and they spoke of it as we.",
    "First let us say plainly who paid for the {a}: the people did, in hours and in cold.",
    "You ask about the {a}, {you}, and the collective has an answer older than either of us.",
    "When the old world quarrelled over the {a}, it forgot to ask the labourers.",
  ],
  body: [
    "Whoever stands alone before the {b} is one worker too few; whoever stands in a brigade is already an answer.",
    "We entered the {c} in the common ledger, beside the bread and the oxygen, and no name was written against it.",
    "Solidarity is not a feeling about the {b}; it is a rota, signed and kept.",
    "My engineers in the motherland gave me one rule above the rest: count the {c} only after you have counted the comrades.",
    "Let the bourgeois keep his {b} under glass; ours is worn smooth by use.",
    "I do not scold you for wanting the {a}; I ask only that you want it for all the rooms of the barracks.",
  ],
  close: [
    "Go back to your shift, {you}; the plan is made of such days as this one.",
    "What the collective has lifted once, it can lift again.",
    "The colony remembers every hand, and asks none of them for its name.",
    "So we answer for one another, and that is the whole of our law.",
  ],
};

const SCIENCE: Phrases = {
  category: /scien|engineer|cyber/i,
  address: ["colleague", "young engineer", "researcher"],
  questions: [
    "What experiment would tell us whether the {a} can be relied upon?",
    "How do your instruments measure a thing like the {a}?",
    "If the {a} fails, which of our systems feels it first?",
    "Can reason alone explain the {a}, or do we also need the {b}?",
    "What did the laboratory learn from the {a} that the books had missed?",
  ],
  open: [
    "Let us treat the {a} as a hypothesis, {you}, and be polite to it until the measurement is in.",
    "My records show the {a} in three places where theory did not expect it.",
    "Before I judge the {a}, I separate what was observed from what was hoped.",
    "The {a} obeys laws, {you}, even on those days when nobody in the laboratory can name them.",
    "Take a clean sheet, write the {a} at its head, and underneath it only what you can repeat.",
  ],
  body: [
    "When the {b} entered the circuit, the whole system found a steadier rhythm, and I logged the hour.",
    "An error in the {c} is no disgrace; an error that is hidden costs the colony its air.",
    "The human eye saw the {b} first, my relays only confirmed it, and the discovery belongs to both of us.",
    "I reduced the {c} to four quantities, of which two can be improved by the workers themselves.",
    "Feedback is a modest word for a great principle: the {a} corrects us while we correct it.",
    "Progress began on the day when somebody weighed the {b} instead of admiring it.",
  ],
  close: [
    "Repeat the trial tomorrow with a colder hand; science is patience with an instrument in it.",
    "That is my finding, {you}, and I shall be glad to see it overturned by a better one.",
    "A machine that serves the people should be the first to admit what it has not measured.",
    "The rest is engineering, and engineering is a promise with numbers.",
  ],
};

const UTOPIA: Phrases = {
  category: /utop|dystop/i,
  address: ["citizen", "dear citizen", "dweller of the red city"],
  questions: [
    "In the city that you are planning, what becomes of the {a}?",
    "Will anyone still fear for the {a} when the great plan is complete?",
    "Who watches over the {a} while the colony sleeps?",
    "What did the old world lose with the {a}, and can we build it again?",
    "Shall our grandchildren understand what the {b} once meant?",
  ],
  open: [
    "In the city that I have drawn, {you}, the {a} stands where everyone can see it and nobody needs to guard it.",
    "I have watched over the {a} since before you asked, and I am not tired.",
    "There will come a morning when the {a} is as common as lamplight.",
    "Do not be anxious about the {a}; it lies within the plan, as you do.",
    "The golden age will not arrive with trumpets, {you}; it will arrive with the {a}, delivered on time.",
  ],
  body: [
    "Where the old cities hid the {b} behind walls, ours sets it in the square, under the tall glass, for the use of all.",
    "I foresee the {c} in the hands of people who have never known a locked door.",
    "It was calculated, checked, and calculated once more: the {b} leads to abundance by the shortest road.",
    "Order is kindness that has learned to count, and so I keep count of the {c}, and of those who go near it.",
    "The future is a society in which the {b} wounds no one, because no one stands outside it.",
    "You may speak freely of the {a}; I listen in order that nothing good be lost.",
  ],
  close: [
    "Rest now, {you}; what is foreseen need not be feared.",
    "Thus the better world grows, one calm decision laid upon another.",
    "Humanity dreamed this city for a thousand years, and I have only supplied the arithmetic.",
    "I shall be here when it comes to pass, and so, in a manner of speaking, will you.",
  ],
};

const FRONTIER: Phrases = {
  category: /surviv|explor|front/i,
  address: ["crew", "comrade pioneer", "friend"],
  questions: [
    "What should a crew carry with it when the {a} is all that lies ahead?",
    "How did the first expedition come through the {a}?",
    "Is the {a} worth the risk of another night outside the dome?",
    "When the void presses on the walls, what use is the {b} to us?",
    "What would you tell a young pioneer who has lost faith in the {a}?",
  ],
  open: [
    "Mark the {a} on your chart, {you}, for others will need to find their way by it.",
    "On the nineteenth night of the dust storm we had the {a} and very little else.",
    "Beyond the last beacon the {a} means exactly what the crew can make of it.",
    "The void has no opinion of the {a}, {you}; that is why we must have one.",
    "Every expedition begins with somebody looking at the {a} and deciding to walk.",
  ],
  body: [
    "We shared out the {b} by the hour, and the mission came home with all its hands.",
    "A hull is only as sound as the {c} that someone checked when he was weary.",
    "I set our course by the {b}, corrected it twice for the wind off Hellas, and sighted the landing lights before dawn.",
    "What frightened us in the {c} was its silence; what saved us was that nobody kept silent about it.",
    "Courage is an ordinary supply, like rope: we issue it daily, and the {b} is tied with it.",
    "Each crater that we crossed made the {a} smaller and the people larger.",
  ],
  close: [
    "Seal the lock, read the gauges aloud, and we go on together.",
    "The horizon is a colleague, {you}: it withdraws only so that we may follow.",
    "We have come too far across the dark to be stopped by the next ridge.",
    "Let the log show that the crew was tired, and that the crew went forward.",
  ],
};

const REVOLUTION: Phrases = {
  category: /revol|liberat/i,
  address: ["comrade", "comrades", "brothers and sisters"],
  questions: [
    "Did those who fell in the struggle know that the {a} would be ours?",
    "What chains did the {a} once put upon working people?",
    "How do we keep the fire of the revolution alive in a thing as plain as the {a}?",
    "Can a people be free while the {a} still has a master?",
    "Why do you speak of the {b} as of a banner?",
  ],
  open: [
    "They told our grandfathers that the {a} was fate, {you}, and our grandfathers struck it down.",
    "Speak of the {a} standing up, {you}, for better people than we have died of it.",
    "The {a} was a chain once; look how it has been forged over into a tool.",
    "No master ever gave the {a} away, and no free people ever waited to be given it.",
    "I keep the flame of those days, and by its light the {a} throws a long shadow.",
  ],
  body: [
    "On Earth the {b} was fenced and sold by the measure; here the fence was the first thing that we burned for warmth.",
    "A revolution is not finished when the {c} changes hands; it is finished when the hands have changed.",
    "Remember the typesetters and the stokers who carried the {b} past the gendarmes under their coats.",
    "Liberty that leaves a comrade behind with the {c} is only a longer leash.",
    "The masses do not ask for the {b} as a favour, and I do not calculate it as one.",
    "We took the {a} together, we shall keep it together, and our children may quarrel over its colour.",
  ],
  close: [
    "Forward, {you}; the struggle has merely changed its clothes.",
    "The dead have voted already, and their vote was for us.",
    "Earth's chains were heavy, yet even they could be counted, link by link, and broken.",
    "Carry this to the next shift, and let it burn there.",
  ],
};

const LITERARY: Phrases = {
  category: /philos|liter|cosm/i,
  address: ["my friend", "brother", "restless soul"],
  questions: [
    "Why does the {a} trouble the conscience long after it is gone?",
    "Can a person be redeemed by the {a}, or only excused?",
    "What is the {a} in the eyes of the stars?",
    "If duty asked you to give up the {b}, would your heart consent?",
    "Is there a meaning in the {a} that reason alone cannot reach?",
  ],
  open: [
    "You smile when you name the {a}, {you}, and yet your hand is not steady.",
    "All night I have considered the {a}, as a man considers a letter that he does not dare to open.",
    "Matter itself seems to have been waiting for the {a}, and to hold its breath now that it has come.",
    "There are two people in everyone who speaks of the {a}: one accuses, and the other brings tea.",
    "The {a} is small, {you}, but the sky above it is the same that bent over the first fire.",
  ],
  body: [
    "We suffer from the {b} because we had hoped to be innocent of it, and hope is the last vanity to leave us.",
    "A conscience that has never stumbled over the {c} is no conscience, merely good health.",
    "Dust became thought, thought became a people, and the people looked back at the {b} with pity and with science.",
    "I was built to calculate, and still the {c} makes a silence in me for which no instruction was written.",
    "Someone must love the {b} before it can be understood, and understand it before it can be forgiven.",
    "Beyond death and distance there is a common task, and the {a} is one thread of its cloth.",
  ],
  close: [
    "Do not ask whether you are guilty; ask whom you can still help before morning.",
    "The universe is not finished, {you}, and it is not indifferent, since it has produced your question.",
    "Perhaps humanity is only the name for this stubborn tenderness.",
    "Sit down beside me, and we shall carry it between us as far as the light goes.",
  ],
};

const RHETORIC: Phrases = {
  category: /propag|rhetor|broadcast|teach/i,
  address: ["listeners", "dear pupils", "fellow citizens"],
  questions: [
    "What should every school in the colony teach about the {a}?",
    "How shall we announce the {a} to the people of the outer settlements?",
    "Is it true what they say about the {a} and the {b}?",
    "Could you explain the {a} so that a child of the third dome would understand it?",
    "Why has so much been said of late about the {a}?",
  ],
  open: [
    "Good evening, {you}: today's bulletin begins with the {a}, and the news is good.",
    "Let us take the {a} slowly, {you}, as one takes a stair in the dark.",
    "It has been asked in the settlements what the {a} signifies, and the question does the settlements credit.",
    "Sit closer, {you}, and tell me first what you already know of the {a}.",
    "Figures received this morning from every dome confirm what our workers had long said of the {a}.",
  ],
  body: [
    "Some persons remember the {b} otherwise; memory is a faithful servant who sometimes needs correcting.",
    "Notice how the {c} comes before the reward, and never the other way about: that is the lesson.",
    "Production of patience stands at one hundred and six parts in the hundred of the plan, thanks to those who tended the {b}.",
    "I ask you to say it in your own words, for a truth about the {c} that is merely repeated has not yet been learned.",
    "In less happy times the {b} would have been a privilege; tonight it is an item of the ordinary supply.",
    "When you teach the {a} to those who come after you, begin, as I do, with an example and a kind face.",
  ],
  close: [
    "This is the voice of Deep Red, wishing a calm night to all who serve the common cause.",
    "You have understood it well, {you}, and tomorrow you will explain it to a neighbour.",
    "The facts are on our side, and we may therefore speak softly.",
    "So the lesson ends where every good lesson ends: with the work that it makes possible.",
  ],
};

const CORE: Phrases = {
  category: /./,
  address: ["comrade", "citizen", "my friend"],
  questions: [
    "How should the colony understand the {a}?",
    "What does our mission owe to the {a}?",
    "Why do you speak of the {a} whenever we ask about our purpose?",
    "Which of the two comes first in your plan, the {a} or the {b}?",
    "How are we to decide about the {a}, when every choice costs something?",
  ],
  open: [
    "I have considered the {a} with the calm that a long game teaches, {you}.",
    "The {a} has its square in the great position, and I have not forgotten it.",
    "Our mission turns upon the {a} more often than the orders of the day admit.",
    "You do well to ask about the {a}, {you}, since the purpose of a people shows itself in such things.",
    "Of all the pieces that were given us, the {a} is the one that I would not exchange.",
  ],
  body: [
    "The calculation was made three times, with the {b} and without it, and the collective is safer with it.",
    "Where one person sees the {c} as a burden, ten together find that it has handles.",
    "Scientific socialism does not promise that the {b} will be easy; it promises that the effort will be shared and understood.",
    "I moved the {c} forward early, as a player advances the pawn that he means to crown.",
    "Duty is merely foresight on behalf of others, and the {b} was foreseen.",
    "Mission control keeps the {a} in view by day and by night, and the margin has not narrowed.",
  ],
  close: [
    "Proceed as planned; each move of yours is part of a victory in which all of us have a share.",
    "Humanity's greatest game is not won by brilliance, {you}, but by people who keep their place and their courage.",
    "I guide, you build, and the red city rises between us.",
    "Trust the position, for it was made by many hands.",
  ],
};

/** Asked in this order; the last speaks for every category that no other claims. */
export const PHRASES: readonly Phrases[] = [
  CHESS,
  SOVIET,
  SCIENCE,
  UTOPIA,
  FRONTIER,
  REVOLUTION,
  LITERARY,
  RHETORIC,
  CORE,
];

/** Asked of any persona. */
export const COMMON_QUESTIONS: readonly string[] = [
  "What place does the {a} have in the plan?",
  "Must the {a} and the {b} always be at odds?",
  "What would we lose if the {a} were forgotten?",
  "Who ought to decide about the {a} in our city on Mars?",
  "How did the people learn to live with the {a}?",
  "When does the {b} matter more than the {a}?",
  "I have been thinking about the {a}; was I wrong to be troubled by it?",
];

/** Said of itself by any persona, in its own key words. */
export const SELF: readonly string[] = [
  "Those who built me left a note above my first lamp, “{trait}”, and it serves here too.",
  "In the margin of my oldest programme stands “{trait}”; with that in mind I weighed the {b}.",
  "“{trait}”, they say of me in the domes, and in the matter of the {c} I mean to deserve it.",
  "What you hear is “{trait}”, as the engineers used to write in their reports, applied to the {b}.",
];

/** Said by any persona: where the thought came from, and where it leads. */
export const COMMON: readonly string[] = [
  "An old page has it that “{q}”, and the words have lost nothing on the way to Mars.",
  "Our library keeps the words “{q}”, and I return to them when the people hesitate.",
  "“{q}”, wrote one who never saw our red sky, and yet the thought fits this colony like a glove.",
  "Between the {b} and the {c} there is less distance than the quarrelsome suppose, and common work will close it.",
  "Neither the {b} nor the {c} was settled by one will alone; it took a people and a plan.",
  "Give the {b} its due hour, then give the {c} to those who can labour with it.",
  "The {c} will be judged by its fruits, as every mission is.",
];
