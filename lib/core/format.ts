/** Numbers as people read them. */

/** `1234567` → `1,234,567`; at most two decimals. */
export function count(value: number): string {
  return NUMBERS.format(value);
}

/** Made once: that takes a hundred times as long as to use it. */
const NUMBERS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

/** `1 answer`, `1,234 answers`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A year of works, negative ones before the common era: `1924`, `375 BCE`. */
export function yearText(year: number): string {
  return year < 0 ? `${-year} BCE` : String(year);
}

/** Seconds as `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes as `512 B`, `1.4 MB`, `2.0 GB` (powers of 1,000, as disks are sold). */
export function bytes(value: number): string {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
  }
  return `${value} B`;
}
