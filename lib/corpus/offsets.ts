/** Numbers in memory that is used again. */
export class Offsets {
  length = 0;
  #numbers = new Int32Array(1024);

  push(offset: number): void {
    if (this.length === this.#numbers.length) this.#grow(this.length + 1);
    this.#numbers[this.length++] = offset;
  }

  append(offsets: Int32Array): void {
    const length = this.length + offsets.length;
    if (length > this.#numbers.length) this.#grow(length);
    this.#numbers.set(offsets, this.length);
    this.length = length;
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

  /**
   * Index of the last that does not exceed a limit, -1 where all do: of numbers that ascend.
   *
   * @param near An index near which it is likely to be, and not before.
   */
  lastUpTo(limit: number, near = -1): number {
    let low = -1;
    let high = this.length - 1;
    if (near >= 0 && near <= high && this.#numbers[near]! <= limit) {
      low = near;
      for (let step = 4; low + step <= high; step *= 2) {
        if (this.#numbers[low + step]! > limit) {
          high = low + step - 1;
          break;
        }
        low += step;
      }
    }
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.at(middle) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
