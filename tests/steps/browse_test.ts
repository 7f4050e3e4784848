import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { openVerdicts, readVerdicts, verdictKey } from "@/dialogue/verdicts.ts";
import { browse } from "@/steps/browse.ts";
import { HEADERS, makeToken, TOKEN_HEADER } from "@/core/page_guard.ts";
import { browsePaths } from "@/steps/browse_index.ts";
import { openCommand } from "@/core/page_open.ts";
import { readPlaces } from "@/steps/browse_places.ts";
import { browseServer } from "@/steps/browse_server.ts";
import { fakeContext } from "../fakes/context.ts";
import { HOSTILE, writeDataset } from "../fakes/dataset.ts";
import { withFolder } from "../fakes/folder.ts";

const PORT = 4321;

/** A server of the sample dataset, and a way to ask it as its own page would. */
async function withServer(
  body: (server: {
    ask: (path: string, init?: RequestInit & { host?: string }) => Promise<Response>;
    list: (query?: string) => Promise<Listed>;
    judge: (key: string, verdict: string | null) => Promise<Response>;
    token: string;
    folder: string;
    dataset: string;
  }) => Promise<void>,
  options: { sidecar?: boolean } = {},
) {
  await withFolder(async (folder) => {
    const { dataset, chunks } = await writeDataset(folder, options);
    const paths = browsePaths(dataset, chunks);
    const token = makeToken();
    using verdicts = openVerdicts(paths.verdicts);
    const themes = ["collectivism", "science"];
    const server = await browseServer({ paths, token, port: () => PORT, verdicts, themes, context: fakeContext() });
    const ask = (
      path: string,
      { host = `127.0.0.1:${PORT}`, headers, ...init }: RequestInit & { host?: string } = {},
    ) =>
      server.handle(
        new Request(`http://127.0.0.1:${PORT}${path}`, {
          ...init,
          headers: { host, ...Object.fromEntries(new Headers(headers)) },
        }),
      );
    await body({
      ask,
      list: async (query = "") => await (await ask(`/${token}/api/list?${query}`)).json(),
      judge: (key, verdict) =>
        ask(`/${token}/api/verdict`, {
          method: "POST",
          headers: { [TOKEN_HEADER]: token },
          body: JSON.stringify({ key, verdict }),
        }),
      token,
      folder,
      dataset,
    });
  });
}

interface Listed {
  version: string;
  total: number;
  counts: Record<string, Record<string, number>>;
  judged: { accept: number; reject: number };
  lines: { number: number; key?: string; persona: string; title: string; verdict?: string; reason?: string }[];
}

Deno.test("browse refuses what lacks the token, a foreign host and a foreign page", () =>
  withServer(async ({ ask, token }) => {
    const own = `http://127.0.0.1:${PORT}`;
    const refused: [string, Parameters<typeof ask>[1]?][] = [
      ["/"],
      ["/browse.js"],
      ["/api/list"],
      [`/${token.slice(0, -1)}/`],
      [`/${token}x/`],
      [`//${token}/`],
      [`/${makeToken()}/api/list`],
      [`/${token}/`, { host: `evil.example:${PORT}` }],
      [`/${token}/`, { host: "127.0.0.1" }],
      [`/${token}/api/list`, { headers: { origin: "http://evil.example" } }],
      [`/${token}/api/list`, { headers: { origin: "null" } }],
      [`/${token}/api/list`, { headers: { origin: `http://127.0.0.1:${PORT + 1}` } }],
      [`/${token}/api/list`, { headers: { "sec-fetch-site": "cross-site" } }],
      [`/${token}/api/list`, { headers: { "sec-fetch-site": "same-site" } }],
    ];
    for (const [path, init] of refused) equal((await ask(path, init)).status, 403, `${path} ${JSON.stringify(init)}`);
    const admitted: [string, Parameters<typeof ask>[1]?][] = [
      [`/${token}/`, { headers: { "sec-fetch-site": "cross-site" } }], // Followed from the terminal's or a notebook's page.
      [`/${token}/`, { host: `localhost:${PORT}` }],
      [`/${token}/browse.js`, { headers: { "sec-fetch-site": "same-origin" } }],
      [`/${token}/api/list`, { headers: { origin: own, "sec-fetch-site": "same-origin" } }],
    ];
    for (const [path, init] of admitted) equal((await ask(path, init)).status, 200, `${path} ${JSON.stringify(init)}`);
  }));

Deno.test("browse takes a verdict only with the token in a header, by POST and in shape", () =>
  withServer(async ({ ask, list, judge, token }) => {
    const path = `/${token}/api/verdict`;
    const key = (await list()).lines[0]?.key ?? "";
    const body = JSON.stringify({ key, verdict: "accept" });
    equal((await ask(path, { method: "POST", body })).status, 403);
    equal((await ask(path, { method: "POST", body, headers: { [TOKEN_HEADER]: makeToken() } })).status, 403);
    equal((await ask(path)).status, 405);
    equal((await ask(`/${token}/api/list`, { method: "DELETE" })).status, 405);
    const headers = { [TOKEN_HEADER]: token };
    for (
      const bad of ["", "{", `{"key":"${key}","verdict":"maybe"}`, `{"verdict":"accept"}`, `"${"x".repeat(5000)}"`]
    ) {
      equal((await ask(path, { method: "POST", body: bad, headers })).status, 400, bad.slice(0, 40));
    }
    equal((await judge("0".repeat(32), "accept")).status, 404);
    equal((await list()).judged.accept, 0);
    equal((await judge(key, "accept")).status, 200);
  }));

Deno.test("browse sends its policy with every answer, and no script or style stands in the page", () =>
  withServer(async ({ ask, token }) => {
    for (const path of ["/", `/${token}/`, `/${token}`, `/${token}/api/list`, `/${token}/nothing`]) {
      const { headers } = await ask(path);
      for (const [name, value] of Object.entries(HEADERS)) equal(headers.get(name), value, `${path} ${name}`);
    }
    match(HEADERS["content-security-policy"] ?? "", /^default-src 'none';/);
    ok(!/unsafe|data:|\*|https?:/.test(HEADERS["content-security-policy"] ?? ""));
    const page = await (await ask(`/${token}/`)).text();
    ok(!/<style|\sstyle=|\son\w+=|javascript:|https?:|<script(?![^>]*\ssrc=)/i.test(page));
    for (const [, file] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      equal((await ask(`/${token}/${file}`)).status, 200, file ?? "");
    }
    for (const name of ["browse.js", "ask.js", "example.js", "texts.js"]) {
      const script = await (await ask(`/${token}/${name}`)).text();
      ok(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/.test(script), name);
    }
  }));

Deno.test("browse gives hostile words as JSON data that no browser takes for a page", () =>
  withServer(async ({ ask, list, token }) => {
    const { lines, version } = await list(`text=${encodeURIComponent("<script>")}`);
    equal(lines[0]?.title, HOSTILE.user);
    const query = new URLSearchParams({ number: String(lines[0]?.number), version });
    const response = await ask(`/${token}/api/example?${query}`);
    equal(response.headers.get("content-type"), "application/json");
    equal(response.headers.get("x-content-type-options"), "nosniff");
    const { messages } = await response.json();
    deepEqual(messages.map(({ content }: { content: string }) => content), [HOSTILE.user, HOSTILE.assistant]);
  }));

for (const sidecar of [false, true]) {
  const where = sidecar ? "a file of sources" : "the rows themselves";
  Deno.test(`browse filters by each facet and counts the others, told by ${where}`, () =>
    withServer(async ({ list }) => {
      const all = await list();
      equal(all.total, 10);
      deepEqual(all.counts.state, { dataset: 6, left_out: 4, unjudged: 9 });
      deepEqual(all.counts.persona, { primary: 5, cosmist: 5 });
      deepEqual(all.counts.book, { "The Red Garden": 4, "Gears & Stars": 6 });
      deepEqual(all.counts.reason, { too_short: 2, llm_artefact: 1, invalid_json: 1 });
      const one = await list("persona=primary&state=dataset");
      equal(one.total, 3);
      ok(one.lines.every(({ persona, reason }) => persona === "primary" && reason === undefined));
      // Beside each choice stands what it would leave: personas as if none were chosen yet.
      deepEqual(one.counts.persona, { primary: 3, cosmist: 3 });
      deepEqual(one.counts.state, { dataset: 3, left_out: 2, unjudged: 5 });
      equal((await list("theme=science")).total, 6);
      equal((await list("reason=too_short")).total, 2);
      equal((await list("book=Gears+%26+Stars&persona=cosmist")).total, 3);
      equal((await list("persona=__proto__")).total, 0);
    }, { sidecar }));
}

Deno.test("browse finds words of question and answer whatever their case and quotes, not the system's", () =>
  withServer(async ({ list }) => {
    const found = async (text: string) => (await list(new URLSearchParams({ text }).toString())).total;
    equal(await found("bread"), 10 - 2);
    equal(await found("BREAD three"), 1);
    equal(await found('"bread number three"'), 1);
    equal(await found('"number bread"'), 0);
    equal(await found("don't “we”"), 8);
    equal(await found("guidance"), 0);
    equal(await found("chunk_1/primary"), 2);
    equal(await found("."), 9);
  }));

Deno.test("browse shows an example beside its passage, cut at its matches", () =>
  withServer(async ({ ask, list, token }) => {
    const { version } = await list();
    const example = await (await ask(`/${token}/api/example?${new URLSearchParams({ number: "0", version })}`)).json();
    equal(example.id, "chunk_0/primary");
    deepEqual(example.passage.pieces, [
      { text: "The ", themes: [], patterns: [] },
      { text: "common ", themes: ["collectivism"], patterns: ["common garden"] },
      { text: "garden", themes: ["collectivism", "science"], patterns: ["common garden", "garden"] },
      { text: " <b>grew</b>.", themes: [], patterns: [] },
    ]);
    const facts = Object.fromEntries(example.facts);
    equal(facts.book, "The Red Garden, A. Author, 1921");
    equal(facts.model, "m");
    equal((await ask(`/${token}/api/example?number=0&version=old`)).status, 409);
    const missing = new URLSearchParams({ number: "99", version });
    equal((await ask(`/${token}/api/example?${missing}`)).status, 404);
  }));

Deno.test("browse shows what could not be read, and takes no verdict on it", () =>
  withServer(async ({ ask, list, token }) => {
    const { lines, version } = await list("reason=invalid_json");
    equal(lines[0]?.key, undefined);
    const query = new URLSearchParams({ number: String(lines[0]?.number), version });
    const { messages, detail } = await (await ask(`/${token}/api/example?${query}`)).json();
    deepEqual(messages, [{ role: "unreadable", content: "Sure! {user:" }]);
    equal(detail, "not JSON");
  }));

Deno.test("browse keeps a verdict at once, counts it, and takes it back", () =>
  withServer(async ({ list, judge, dataset }) => {
    const [, second] = (await list()).lines;
    const key = second?.key ?? "";
    deepEqual(await (await judge(key, "reject")).json(), {
      key,
      verdict: "reject",
      before: null,
      judged: { accept: 0, reject: 1 },
    });
    const file = browsePaths(dataset, "").verdicts;
    deepEqual([...readVerdicts(file)], [[key, "reject"]]);
    equal((await list("state=rejected&fresh=1")).lines[0]?.key, key);
    equal((await (await judge(key, "accept")).json()).before, "reject");
    equal((await (await judge(key, null)).json()).before, "accept");
    equal(readVerdicts(file).size, 0);
  }));

Deno.test("browse goes on in a list as it was, though a verdict takes an example out of it", () =>
  withServer(async ({ list, judge }) => {
    const first = await list("state=unjudged&count=3");
    for (const { key } of first.lines) await judge(key ?? "", "accept");
    const next = await list("state=unjudged&from=3&count=3");
    equal(next.total, 9);
    deepEqual(next.lines.map(({ number }) => number), [3, 4, 5]);
    equal((await list("state=unjudged&fresh=1")).total, 6);
  }));

Deno.test("browse reads a rebuilt dataset anew, verdicts follow the words", () =>
  withServer(async ({ list, judge, dataset }) => {
    const rows = (await Deno.readTextFile(dataset)).trimEnd().split("\n");
    const before = await list();
    await judge(before.lines[5]?.key ?? "", "accept");
    await Deno.writeTextFile(dataset, rows.slice(4).join("\n") + "\n");
    const after = await list();
    equal(after.total, 6);
    equal(after.lines[1]?.verdict, "accept");
  }));

Deno.test("verdictKey is the same for an exchange in the dataset and in the rejects", () =>
  withServer(async ({ list }) => {
    const { lines } = await list("reason=too_short");
    equal(lines[0]?.key, verdictKey({ user: lines[0]?.title ?? "", assistant: "Bread, we don't." }));
  }));

Deno.test("readPlaces reads what lies at each place, whatever their order", () =>
  withFolder(async (folder) => {
    const path = join(folder, "lines");
    await Deno.writeTextFile(path, "0123456789");
    const place = (offset: number, length: number) => ({ path, offset, length });
    const read = async (...places: ReturnType<typeof place>[]) =>
      (await Array.fromAsync(readPlaces(places))).map((bytes) => new TextDecoder().decode(bytes));
    deepEqual(await read(place(1, 2), place(4, 1), place(0, 3), place(9, 1)), ["12", "4", "012", "9"]);
    await rejects(() => read(place(8, 5)), /changed meanwhile/);
  }));

Deno.test("openCommand names each system's program and passes the address as one argument", () => {
  const address = "http://127.0.0.1:1/x&y/";
  for (const os of ["linux", "darwin", "windows"] as const) {
    ok(openCommand(address, os).args.some((arg) => arg.includes(address)));
    ok(!["sh", "cmd", "powershell"].includes(openCommand(address, os).command));
  }
});

Deno.test("browse says what is missing and which line is bad", () =>
  withFolder(async (folder) => {
    const run = () => browse.run(browse.options.parse({ dataDir: folder, open: false }), fakeContext());
    await rejects(
      run,
      (error) => error instanceof UserError && /theme_dataset\.jsonl.*no such file/.test(error.message),
    );
    const { dataset } = await writeDataset(folder);
    await Deno.writeTextFile(dataset, '{"messages":[]}\n', { append: true });
    await rejects(run, (error) => error instanceof UserError && /theme_dataset\.jsonl:7/.test(error.message));
  }));

Deno.test("browse listens on this machine only, refuses a port in use, and ends with its signal", () =>
  withFolder(async (folder) => {
    await writeDataset(folder);
    const end = new AbortController();
    const context = fakeContext({ signal: end.signal });
    const options = browse.options.parse({ dataDir: folder, open: false });
    const running = browse.run(options, context);
    const address = () =>
      context.events.flatMap((event) => event.type === "log" ? [...event.message.matchAll(/http:\S+/g)] : [])[0]?.[0];
    while (!address()) await new Promise((resolve) => setTimeout(resolve, 5));
    const url = new URL(address() ?? "");
    equal(url.hostname, "127.0.0.1");
    const page = await fetch(url);
    equal(page.status, 200);
    await page.body?.cancel();
    const bare = await fetch(new URL("/", url));
    equal(bare.status, 403);
    await bare.body?.cancel();
    const again = browse.run({ ...options, port: Number(url.port) }, fakeContext());
    await rejects(again, (error) => error instanceof UserError && /another program does/.test(error.message));
    end.abort();
    equal((await running).accepted, 0);
    deepEqual([...Deno.readDirSync(join(folder, "dataset"))].filter(({ name }) => name.includes("verdicts")), []);
  }));
