import process from "node:process";

/**
 * The most memory that this process has held, in MB. On Linux the system's own count for a process
 * (`getrusage`) starts at what its parent held when it was started, so the kernel is asked for the address space's.
 */
export function peakMegabytes(): number {
  if (Deno.build.os === "linux") {
    const kibibytes = /^VmHWM:\s*(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    if (kibibytes) return Number(kibibytes) * 1024 / 1e6;
  }
  return process.resourceUsage().maxRSS * 1024 / 1e6;
}

/** Seconds of processor time that this process has used, all threads together: what a busy machine does not change. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
