/** Texts in the form of Project Gutenberg's files, of every era; the sentences are our own. */

/** Two paragraphs of plain prose, hard-wrapped. */
export const PROSE = `The ferry had been moored below the mill since the autumn, and by now
nobody in the village could have said to whom it belonged. The children
fished from it, and the miller's wife dried her sheets along the rail.

When the water rose in April it was the oldest of the brothers who went
down with a lantern to see to the rope, and he came back without it.`;

/** PROSE as cleaning gives it. */
export const CLEAN_PROSE = PROSE.split("\n\n").map((paragraph) => paragraph.replaceAll("\n", " ")).join("\n\n");

/** A file of the years 2004 to 2021. */
export function file(body: string, title = "The Ferry"): string {
  const name = title.toUpperCase();
  return `The Project Gutenberg EBook of ${title}, by Ada Holm

This eBook is for the use of anyone anywhere at no cost.

Title: ${title}

Author: Ada Holm

Release Date: May 4, 2011 [EBook #90001]

Language: English

*** START OF THIS PROJECT GUTENBERG EBOOK ${name} ***



${body}



End of the Project Gutenberg EBook of ${title}, by Ada Holm

*** END OF THIS PROJECT GUTENBERG EBOOK ${name} ***

***** This file should be named 90001.txt *****

Project Gutenberg-tm is a registered trademark. Donate at www.gutenberg.org.
`;
}

/** The bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
