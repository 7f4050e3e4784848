/** Numbers in memory that is used again. */
export class Offsets {
  length = 0;
  #numbers = new Int32Array(1024);

  push(offset: number): void {
    if (this.length === this.#numbers.length) this.#grow(this.length + 1);
    this.#numbers[this.length++] = offset;
  }

  #grow(length: number): void {
    const larger = new Int32Array(Math.max(length, this.#numbers.length * 2));
    larger.set(this.#numbers);
    this.#numbers = larger;
  }

  set(index: number, offset: number): void {
    this.#numbers[index] = offset;
  }

  at(index: number): number {
    return this.#numbers[index] ?? 0;
  }
}

/** Index of the last that does not exceed a limit, -1 where all do: of numbers that ascend. */
export function lastUpTo(offsets: Int32Array, limit: number): number {
  let low = -1;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
