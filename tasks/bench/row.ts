/** One line of the table that the benchmarks print: ours beside a tool that does the same, measured in the same run. */
export interface BenchRow {
  name: string;
  ours: string;
  peer: string;
  /** How many times faster (or smaller) ours is. */
  ratio: number;
  target?: string;
}
