/** Writes rows of chunks in WebAssembly, in the memory in which their text was read. */
import { assemble, type Code, type FunctionSource, i32, when } from "../core/wasm.ts";
import { type Number, number, STEP, writerTo } from "../core/wasm_write.ts";
import { place } from "../corpus/raw_text_kernel.ts";
import type { TextMemory } from "../corpus/raw_text_memory.ts";

const encoder = new TextEncoder();
/** Bytes of rows that are kept back: not so many that the processor has lost them when they are copied. */
const FULL = 1 << 15;
/** Bytes of names and numbers in a row, at most. */
const OTHERS = 100;
/** Stands for a row without a count of tokens. */
export const NO_TOKENS = -1;

/** Takes the passages of a work, in the order of its text. */
export interface Rows {
  /** @param tail What stands between the text of a row and its place. */
  section(tail: string): void;
  row(number: number, start: number, end: number, tokens: number): void;
}

/** Writes the rows of the text that was read last. */
export interface RowWriter extends Rows {
  /**
   * @param size Bytes of the text.
   * @param head What stands before the number of a row.
   * @param into Given rows with their newlines, and how many; good until the next call.
   */
  begin(size: number, head: string, into: (rows: Uint8Array, count: number) => void): void;
  /** Hands on what was kept back. */
  end(): void;
}

export function openRowWriter({ memory, room }: TextMemory): RowWriter {
  const module = assemble({}, (_, own) => ({ place, number, write: write(own("place"), own("number")) }), {
    memory: "import",
  });
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as {
    write(
      out: number,
      head: number,
      headLength: number,
      tail: number,
      tailLength: number,
      number: number,
      start: number,
      end: number,
      tokens: number,
    ): number;
  };
  let textSize = 0;
  let headText = new Uint8Array(0);
  let into = (_rows: Uint8Array, _count: number) => {};
  let [head, tail, tailLength] = [0, 0, 0];
  let [from, out, count] = [0, 0, 0];

  const flush = () => {
    if (count > 0) into(new Uint8Array(memory.buffer, from, out - from), count);
    out = from;
    count = 0;
  };
  return {
    begin(size, head, sink) {
      textSize = size;
      headText = encoder.encode(head);
      into = sink;
    },
    section(tailText) {
      flush();
      const bytes = encoder.encode(tailText);
      tailLength = bytes.length;
      const both = headText.length + tailLength + 2 * STEP;
      head = room(both + FULL + both + textSize + OTHERS);
      tail = head + headText.length + STEP;
      from = out = head + both;
      const all = new Uint8Array(memory.buffer);
      all.set(headText, head);
      all.set(bytes, tail);
    },
    row(number, start, end, tokens) {
      out = kernel.write(out, head, headText.length, tail, tailLength, number, start, end, tokens);
      count++;
      if (out - from >= FULL) flush();
    },
    end: flush,
  };
}

const write = (toPlace: (unit: Code) => Code, toNumber: Number): FunctionSource => ({ param, local }) => {
  const out = param();
  const [head, headLength, tail, tailLength] = [param(), param(), param(), param()];
  const [serial, start, end, tokens] = [param(), param(), param(), param()];
  const [from, left, content] = [local("i32"), local("i32"), local("i32")];
  const { copy, text, number } = writerTo(out, from, left, toNumber);
  return [
    copy(head.get, headLength.get),
    number(serial.get, 5),
    text('","text":"'),
    content.set(toPlace(start.get)),
    copy(content.get, i32.sub(toPlace(end.get), content.get)),
    copy(tail.get, tailLength.get),
    number(start.get),
    text(',"end":'),
    number(end.get),
    when(i32.ne(tokens.get, i32.const(NO_TOKENS)), [text(',"tokens":'), number(tokens.get)]),
    text("}\n"),
    out.get,
  ];
};
