/** The page as a reader meets it: a real process, a real browser, real keys. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { WORKSPACE } from "@/core/paths.ts";
import { readVerdicts, verdictsPath } from "@/dialogue/verdicts.ts";
import { findChromium, launchChromium } from "../fakes/chromium.ts";
import { HOSTILE, writeDataset } from "../fakes/dataset.ts";
import { withFolder } from "../fakes/folder.ts";
import type { Browser, Page } from "playwright-core";

const chromium = findChromium();
if (!chromium) console.log("no Chromium here (CHROMIUM names one): the page is not tested in a browser");

/** Runs the step in a process of its own, and tells the address that it says. */
async function serve(
  folder: string,
): Promise<AsyncDisposable & { address: string; kill: (signal: Deno.Signal) => Promise<number> }> {
  const script = `
    import { browse } from "@/steps/browse.ts";
    import { terminal } from "@/core/terminal.ts";
    const context = terminal();
    await browse.run(browse.options.parse({ dataDir: Deno.args[0], open: false }), context);
    context.close();`;
  const path = join(folder, "serve.ts");
  await Deno.writeTextFile(path, script);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-lock",
      `--config=${join(WORKSPACE, "deno.json")}`,
      "--allow-read",
      "--allow-write",
      "--deny-write=lib,tasks,tests,deno.json,deno.lock,.git",
      "--allow-net=127.0.0.1",
      "--allow-run=xdg-open,open,rundll32",
      "--allow-env=GUTENBERG_DATA,VOICEWORKS_*,HOME,USERPROFILE,LOCALAPPDATA,XDG_CACHE_HOME,NO_COLOR",
      path,
      folder,
    ],
    cwd: WORKSPACE,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let said = "";
  const lines = child.stderr.pipeThrough(new TextDecoderStream());
  const address = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const part of lines) {
      said += part;
      const found = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(said)?.[0];
      if (found) address.resolve(found);
    }
    address.reject(new Error(`browse ended: ${said}`));
  })();
  let running = true;
  const kill = async (signal: Deno.Signal) => {
    if (running) child.kill(signal);
    running = false;
    await reading;
    return (await child.status).code;
  };
  return {
    address: await address.promise,
    kill,
    [Symbol.asyncDispose]: async () => void await kill("SIGKILL"),
  };
}

/** A page that fails the test for whatever its console or its policy complain of. */
async function openPage(browser: Browser, address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) complaints.push(`asked ${request.url()}`);
  });
  await page.addInitScript({
    content: "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))",
  });
  await page.goto(address);
  await page.locator("#example .text").first().waitFor();
  return { page, complaints };
}

const lines = (page: Page) => page.locator("#list button");
/** Waits for the list, and for the example beside it. */
async function found(page: Page, words: string) {
  await page.locator("#found", { hasText: new RegExp(`^${words}$`) }).waitFor();
  await page.locator("#example:not([aria-busy])").waitFor();
}

Deno.test({
  name: "browse filters, takes verdicts by single keys, and keeps them though the server is killed",
  ignore: !chromium,
  // The browser's driver keeps its own timers and pipes until the process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withFolder(async (folder) => {
      const { dataset } = await writeDataset(folder);
      const verdicts = verdictsPath(dataset);
      const browser = await launchChromium(chromium ?? "");
      try {
        await using first = await serve(folder);
        const { page, complaints } = await openPage(browser, first.address);
        await found(page, "10 examples");

        await page.getByLabel("Persona").selectOption("cosmist");
        await found(page, "5 examples");
        await page.getByLabel("Status").selectOption("dataset");
        await found(page, "3 examples");
        await page.keyboard.press("/");
        await page.keyboard.type("number four");
        await found(page, "1 example");
        equal(await page.locator("#example .text.assistant").textContent(), "“We” don’t keep bread\nnumber four.");

        await page.getByRole("button", { name: "Clear" }).click();
        await found(page, "10 examples");
        await lines(page).first().click();
        await page.keyboard.press("j");
        await page.keyboard.press("a");
        await page.keyboard.press("r");
        await page.locator("#list li:nth-child(3) .reject").waitFor();
        deepEqual([...readVerdicts(verdicts).values()].sort(), ["accept", "reject"]);
        await page.keyboard.press("u");
        await page.getByText("undone: not judged").waitFor();
        deepEqual([...readVerdicts(verdicts).values()], ["accept"]);
        equal(await page.locator('#list [aria-current="true"]').count(), 1);
        equal(await page.locator(":focus").getAttribute("aria-current"), "true");
        match(await page.locator('#list [aria-current="true"]').innerText(), /number three/);
        await page.keyboard.press("?");
        await page.getByRole("dialog").waitFor();
        await page.keyboard.press("a");
        await page.keyboard.press("Escape");
        equal(readVerdicts(verdicts).size, 1);

        await first.kill("SIGKILL");
        await page.keyboard.press("j");
        await page.getByText("The server has ended").waitFor();
        deepEqual(complaints.filter((line) => !/ERR_CONNECTION_REFUSED|Failed to load resource/.test(line)), []);
        await page.close();

        await using second = await serve(folder);
        const again = await openPage(browser, second.address);
        equal(await again.page.locator("#list li:nth-child(2) .accept").innerText(), "✓ accepted");
        match(await again.page.locator("#totals").innerText(), /1 accepted and 0 rejected/);
        await again.page.getByLabel("Status").selectOption("accepted");
        await found(again.page, "1 example");
        await again.page.reload();
        await found(again.page, "1 example");
        deepEqual(again.complaints, []);
        await again.page.close();
        equal(await second.kill("SIGINT"), 0);
      } finally {
        await browser.close();
      }
    }),
});

Deno.test({
  name: "browse shows hostile words as words, and marks the passage in colours",
  ignore: !chromium,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withFolder(async (folder) => {
      await writeDataset(folder, { sidecar: true });
      const browser = await launchChromium(chromium ?? "");
      await using server = await serve(folder);
      try {
        const { page, complaints } = await openPage(browser, server.address);
        equal(await page.locator("mark:not(.legend mark)").count(), 2);
        const ground = (at: number): Promise<string> =>
          page.evaluate(`(({ backgroundImage, borderBottomColor }) => backgroundImage + " " + borderBottomColor)(
            getComputedStyle(document.querySelectorAll(".passage mark")[${at}]))`);
        match(await ground(0), /rgb\(0, 114, 178\)$/); // The first colour of the palette, for the first theme.
        match(await ground(1), /linear-gradient/);
        equal(await page.locator(".passage b").count(), 0);
        match(await page.locator(".passage").innerText(), /<b>grew<\/b>/);

        await page.getByLabel("Left out for").selectOption("llm_artefact");
        await found(page, "1 example");
        equal(await page.locator(".text.user").textContent(), HOSTILE.user);
        const answer = await page.locator(".text.assistant").textContent();
        equal(
          answer,
          HOSTILE.assistant.replace(
            /[\u202e\u202c\u200b]/g,
            (character) => `U+${character.charCodeAt(0).toString(16).toUpperCase()}`,
          ),
        );
        match(await page.title(), /^Dataset/);
        equal(await page.locator("body script, body style, body img").count(), 0);
        ok(await page.locator(".why").isVisible());
        deepEqual(complaints, []);

        // The page may not do what its policy forbids, whoever asks.
        const write = `try { document.body.innerHTML = "<b>broken</b>"; false } catch { true }`;
        ok(await page.evaluate(write));
      } finally {
        await browser.close();
      }
    }),
});
