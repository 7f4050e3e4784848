/** How matches may begin, read off an automaton: what the kernel looks up before it runs the automaton. */
import type { Automaton } from "./matcher_dfa.ts";
import { FOLD, hashOf, WINDOW_BITS } from "./matcher_layout.ts";

/** Stands for a row of the automaton where a match has ended and anything may follow. */
const MATCH = -1;
/** Bytes of a window at most. */
const LONGEST = 8;
/** Windows with the same first two bytes at most: patterns such as `\w+` have any. */
const MOST_WINDOWS = 256;

/** What the kernel knows of the first bytes of words: see MASKS and WINDOWS in matcher_layout.ts. */
export interface Windows {
  masks: BigUint64Array;
  bitmap: Uint8Array;
}

/** The windows of printable ASCII with which a match or what follows it may begin. */
export function windowsOf(automaton: Automaton): Windows {
  const masks = new BigUint64Array(32 * 32);
  const bitmap = new Uint8Array((1 << WINDOW_BITS) / 8);
  const pairs = longer(automaton, longer(automaton, new Map([[0n, new Set([automaton.gap])]]), 0), 1);
  const groups = Map.groupBy(pairs, ([window]) => Number(window & 0x1fn) << 5 | Number(window >> 8n & 0x1fn));
  for (const [group, members] of groups) {
    let windows: Beginnings = new Map(members);
    let length = 2;
    const mark = () => {
      for (const hash of windows.keys().map(hashOf)) bitmap[hash >> 3]! |= 1 << (hash & 7);
    };
    mark();
    // As long as they may be, but for windows that go on behind a match: these would have any bytes there.
    while (length < LONGEST && windows.values().every((rows) => !rows.has(MATCH))) {
      const next = longer(automaton, windows, length);
      if (next.size > MOST_WINDOWS) break;
      windows = next;
      length++;
      mark(); // The shorter ones stay: they are looked up where what follows is not plain.
    }
    masks[group] = (1n << BigInt(8 * length)) - 1n;
  }
  return { masks, bitmap };
}

/** Windows as little-endian numbers, and the automaton's rows behind them; MATCH, where a match has ended. */
type Beginnings = Map<bigint, Set<number>>;

/** The windows of one byte more with which something may match. */
function longer(automaton: Automaton, windows: Beginnings, length: number): Beginnings {
  const { table, classes, limit, gap, goesOn, acceptedFrom } = automaton;
  const bytesOf = printable(classes);
  const found: Beginnings = new Map();
  for (const [window, rows] of windows) {
    for (const row of rows) {
      for (let read = 0; read < classes.count; read++) {
        const next = table[row + read]!;
        const outcome = next - limit;
        const match = outcome >= 0 && acceptedFrom[outcome]! < acceptedFrom[outcome + 1]!;
        const behind = match ? MATCH : outcome >= 0 ? goesOn[outcome]! : next;
        if (behind === 0 || behind === gap) continue;
        for (const byte of bytesOf[read] ?? []) {
          const wider = window | BigInt(byte | FOLD) << BigInt(8 * length);
          const known = found.get(wider);
          if (known) known.add(behind);
          else found.set(wider, new Set([behind]));
        }
      }
    }
  }
  return found;
}

/** The bytes of printable ASCII in each class: control characters are not looked up. */
function printable({ units }: Automaton["classes"]): number[][] {
  const bytes: number[][] = [];
  for (let byte = 0x20; byte < 0x80; byte++) (bytes[units[byte]!] ??= []).push(byte);
  return bytes;
}

/**
 * For each pair of a UTF-8 lead byte and the byte after it, by their low six bits, whether a match may begin with such a
 * character: 64 × 64 bytes.
 */
export function leadsOf({ table, classes, gap }: Automaton): Uint8Array {
  const leads = new Uint8Array(64 * 64);
  const begins = Array.from({ length: classes.count }, (_, read) => ![0, gap].includes(table[gap + read]!));
  const mark = (first: number, second: number) => leads[(first & 0x3f) << 6 | second & 0x3f] = 1;
  for (let code = 0x80; code < 0x10000; code++) {
    const read = classes.units[code]!;
    if (read === classes.surrogate || !begins[read]) continue;
    if (code < 0x800) mark(0xc0 | code >> 6, code);
    else mark(0xe0 | code >> 12, code >> 6);
  }
  classes.astralFrom.forEach((from, index) => {
    if (!begins[classes.astralClasses[index]!]) return;
    const to = classes.astralFrom[index + 1] ?? 0x110000;
    for (let block = from >> 12; block <= (to - 1) >> 12; block++) mark(0xf0 | block >> 6, block);
  });
  return leads;
}
