/** The page of a blind trial as a rater meets it: a real process, a real browser, real keys, and a kill in the middle. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { WORKSPACE } from "@/core/paths.ts";
import { findChromium, launchChromium } from "../fakes/chromium.ts";
import { writeContinuations } from "../fakes/continuations.ts";
import { withFolder } from "../fakes/folder.ts";

const chromium = findChromium();
if (!chromium) console.log("no Chromium here (CHROMIUM names one): the blind trial is not tested in a browser");

/** Runs the task as the terminal does, and tells the address that it says. */
async function serve(folder: string, flags: string[]) {
  const config = await Deno.readTextFile(join(WORKSPACE, "deno.json"));
  const command = /"deno (run [^"]*tasks\/step\.ts gaea:blind)"/.exec(config)?.[1] ?? "";
  const child = new Deno.Command(Deno.execPath(), {
    args: [...command.split(" "), "--no-open", "--data-dir", folder, ...flags],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const address = Promise.withResolvers<string>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      said += part;
      const found = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(said)?.[0];
      if (found) address.resolve(found);
    }
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)])
    .then(() => address.reject(new Error(`gaea:blind ended: ${said}`)));
  let running = true;
  const end = async (signal: Deno.Signal) => {
    if (running) child.kill(signal);
    running = false;
    await reading;
    return { code: (await child.status).code, said };
  };
  return { address: await address.promise, end, [Symbol.asyncDispose]: async () => void await end("SIGKILL") };
}

async function openPage(browser: Browser, address: string, hash = ""): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(address + hash);
  return { page, complaints };
}

const progress = (page: Page, done: number) =>
  page.locator("#progress", { hasText: new RegExp(`: ${done} of \\d+ pairs`) }).waitFor();
const asked = (page: Page, words: string) => page.locator("#question", { hasText: words }).waitFor();

/** Answers as a reader would who knows the author: the second person, and a tie between two that are the same. */
async function judgePair(page: Page, done: number) {
  for (const question of ["sounds more like", "better to read"]) {
    await progress(page, done);
    await asked(page, question);
    const [left = "", right = ""] = await Promise.all(["#left", "#right"].map((id) => page.locator(id).innerText()));
    const own = (text: string) => text.startsWith("You wait") ? 2 : text.startsWith("You count") ? 1 : 0;
    const key = left === right ? "3" : own(left) > own(right) ? "1" : "2";
    await page.keyboard.press(key);
  }
}

Deno.test({
  name: "gaea:blind takes votes by keys, keeps them though it is killed, goes on, and reveals at the end",
  ignore: !chromium,
  // The browser's driver keeps its own timers and pipes until the process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withFolder(async (folder) => {
      const { base, tuned, author } = await writeContinuations(folder, 5);
      const flags = ["--base", base, "--tuned", tuned, "--author", author, "--max-words", "60"];
      const browser = await launchChromium(chromium ?? "");
      try {
        await using first = await serve(folder, flags);
        const { page, complaints } = await openPage(browser, first.address);
        await page.getByLabel("Your name").fill("Ann <b>");
        await page.getByRole("button", { name: "Begin" }).click();
        await progress(page, 0);
        equal(await page.locator("em").count() > 0, true, "italics are shown as italics");
        ok(!/base|tuned|catch/.test(await page.locator("body").innerText()));
        await page.keyboard.press("1");
        await asked(page, "better to read");
        await page.keyboard.press("u");
        await asked(page, "sounds more like");
        await judgePair(page, 0);
        await judgePair(page, 1);
        await progress(page, 2);
        await first.end("SIGKILL");
        await page.keyboard.press("1");
        await page.getByText("Every vote up to now is kept").waitFor();
        deepEqual(complaints.filter((line) => !/ERR_CONNECTION_REFUSED|Failed to load resource/.test(line)), []);
        await page.close();

        await using second = await serve(folder, flags);
        const again = await openPage(browser, second.address, `#${encodeURIComponent("Ann <b>")}`);
        for (let done = 2; done < 7; done++) await judgePair(again.page, done);
        await again.page.getByText("That was all").waitFor();
        match(await again.page.locator("#reveal").innerText(), /Left was the (trained|untrained) model/);
        match(await again.page.locator("#summary").innerText(), /tuned model won 100\.0 %/);
        deepEqual(again.complaints, []);
        await again.page.close();
        const { code, said } = await second.end("SIGINT");
        equal(code, 0, said);
        const outcome = JSON.parse(await Deno.readTextFile(join(folder, "gaea", "benchmarks", "blind.json")));
        equal(outcome.tally.questions.fidelity.wins, 5);
        deepEqual(outcome.tally.raters.map(({ catches, caught }: Record<string, number>) => [catches, caught]), [[
          2,
          2,
        ]]);
      } finally {
        await browser.close();
      }
    }),
});
