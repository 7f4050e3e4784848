/** Ascending numbers in memory that is used again. */
export class Offsets {
  length = 0;
  #numbers = new Int32Array(1024);

  push(offset: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new Int32Array(this.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.length++] = offset;
  }

  at(index: number): number {
    return this.#numbers[index] ?? 0;
  }

  /** Index of the last that does not exceed a limit; -1 where all do. */
  lastUpTo(limit: number): number {
    let low = -1;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.at(middle) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
