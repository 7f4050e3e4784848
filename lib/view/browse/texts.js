// Text of books and models as nodes of the page. Nothing here makes markup out of it: there are text nodes only.

/** An element with attributes and children; a string among the children is text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Characters that cannot be seen, or that turn the direction of what follows: they are named instead of obeyed. */
const UNSEEN =
  // deno-lint-ignore no-control-regex
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Text whose unseen characters are shown by their numbers. */
export function shown(text) {
  const parts = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(UNSEEN)) {
    if (index > from) parts.push(text.slice(from, index));
    const number = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    parts.push(element("span", { class: "control", title: "a character that cannot be seen" }, number));
    from = index + character.length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/** The colour of each theme, by its place in the list; themes of no list take the colours that are left. */
export function colorer({ themes, palette }) {
  const names = [...themes];
  return (name) => {
    if (!names.includes(name)) names.push(name);
    return palette[names.indexOf(name) % palette.length];
  };
}

/** `theme_name` as people say it. */
export function spoken(name) {
  return name.replaceAll("_", " ");
}

/** Text in the colours of its themes; where several lie over each other, all are seen. */
export function marked(children, themes, colorOf, hint) {
  const mark = element("mark", { title: hint }, ...children);
  const tones = themes.map(colorOf);
  const shades = tones.map((tone) => `color-mix(in srgb, ${tone} 28%, var(--paper))`);
  const step = 100 / shades.length;
  const bands = shades.map((shade, i) => `${shade} ${i * step}% ${(i + 1) * step}%`).join(", ");
  mark.style.setProperty("--tone", tones[0]);
  mark.style.setProperty("--ground", shades.length === 1 ? shades[0] : `linear-gradient(${bands})`);
  return mark;
}

/** A passage with its matches. */
export function passage(pieces, colorOf) {
  return pieces.flatMap(({ text, themes, patterns }) => {
    if (themes.length === 0) return shown(text);
    return [marked(shown(text), themes, colorOf, `${themes.map(spoken).join(", ")}\n${patterns.join("\n")}`)];
  });
}
