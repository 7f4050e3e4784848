/** A headless browser for tests, where the machine has one. */
import type { Browser } from "playwright-core";

/** Nothing that calls home, and nothing that a container lacks. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "msedge"];
const PLACES = [
  "/usr/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/** `$CHROMIUM`, else one on PATH, else one in its usual place. */
export function findChromium(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  const windows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(windows ? ";" : ":").filter(Boolean);
  const candidates = folders.flatMap((folder) => NAMES.map((name) => `${folder}/${name}${windows ? ".exe" : ""}`));
  return [...candidates, ...PLACES].find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Starts the browser; the package is fetched only where one was found. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  const name = "playwright-core";
  const { chromium }: typeof import("playwright-core") = await import(name);
  return await chromium.launch({ executablePath, args: FLAGS });
}
