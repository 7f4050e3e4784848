import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UserError } from "@/core/errors.ts";
import { type Answer, openLedger } from "@/dialogue/ledger.ts";

const ANSWER: Answer = {
  reply: {
    content: "Yes.",
    reasoning: "",
    finishReason: "stop",
    model: "m",
    usage: { completionTokens: 2 },
    timing: { firstTokenMs: 1, totalMs: 2 },
  },
};

async function withFolder(test: (folder: string) => Promise<void> | void) {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openLedger keeps answers, faults and notes for the next run", () =>
  withFolder(async (folder) => {
    const path = join(folder, "new", "ledger.sqlite");
    {
      using ledger = openLedger(path);
      const fault = { fault: { kind: "truncated", message: "ran out" } };
      await Promise.all([ledger.put("a", ANSWER), ledger.put("b", fault)]);
      ledger.setNote("prompt-only m", "true");
      equal(ledger.count(), 2);
    }
    using ledger = openLedger(path);
    deepEqual(ledger.get("a"), ANSWER);
    deepEqual(ledger.get("b"), { fault: { kind: "truncated", message: "ran out" } });
    equal(ledger.get("c"), undefined);
    equal(ledger.note("prompt-only m"), "true");
    equal(ledger.note("other"), undefined);
  }));

Deno.test("openLedger goes on with a ledger whose answers stand by their hashes, as they once did", () =>
  withFolder(async (folder) => {
    const path = join(folder, "ledger.sqlite");
    const old = new DatabaseSync(path);
    old.exec("CREATE TABLE answers (hash TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    old.prepare("INSERT INTO answers VALUES ('a', ?)").run(JSON.stringify(ANSWER));
    old.close();
    {
      using ledger = openLedger(path);
      deepEqual(ledger.get("a"), ANSWER);
      await Promise.all([ledger.put("b", ANSWER), ledger.put("a", { fault: { kind: "empty", message: "nothing" } })]);
    }
    using ledger = openLedger(path);
    equal(ledger.count(), 2);
    deepEqual(ledger.get("a"), { fault: { kind: "empty", message: "nothing" } });
    deepEqual(ledger.get("b"), ANSWER);
  }));

Deno.test("put lets timers, signals and threads have their turn, however fast answers come", () =>
  withFolder(async (folder) => {
    using ledger = openLedger(join(folder, "ledger.sqlite"));
    let isTold = false, putBefore = 0;
    setTimeout(() => isTold = true);
    // More at a time than are committed together, each lane with its next answer at once.
    await Promise.all(Array.from({ length: 600 }, async (_, lane) => {
      for (let n = 0; n < 20; n++) {
        await ledger.put(`${lane}-${n}`, ANSWER);
        if (!isTold) putBefore++;
      }
    }));
    equal(ledger.count(), 12_000);
    ok(putBefore < 2000, `${putBefore} answers`);
  }));

Deno.test("put holds once the disk does, and fails where that cannot be had; what comes later is not touched", () =>
  withFolder(async (folder) => {
    using ledger = openLedger(join(folder, "ledger.sqlite"));
    const { syncData } = Deno.FsFile.prototype;
    const disk = Promise.withResolvers<void>();
    let isKept = false;
    try {
      Deno.FsFile.prototype.syncData = () => disk.promise;
      const put = ledger.put("a", ANSWER).then(() => isKept = true);
      await new Promise((resolve) => setTimeout(resolve, 100));
      equal(isKept, false);
      const later = ledger.put("b", ANSWER);
      disk.reject(new Error("No space left on device (os error 28)"));
      await rejects(put, (error: unknown) => error instanceof UserError && /disk is full/.test(error.message));
      Deno.FsFile.prototype.syncData = syncData;
      await later;
    } finally {
      Deno.FsFile.prototype.syncData = syncData;
    }
    deepEqual(ledger.get("b"), ANSWER);
  }));

Deno.test("openLedger leaves one file behind", () =>
  withFolder(async (folder) => {
    const ledger = openLedger(join(folder, "ledger.sqlite"));
    await ledger.put("a", ANSWER);
    ledger[Symbol.dispose]();
    deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["ledger.sqlite"]);
  }));

Deno.test("openLedger says that it is damaged, whenever that shows", () =>
  withFolder(async (folder) => {
    const path = join(folder, "ledger.sqlite");
    {
      using ledger = openLedger(path);
      await Promise.all(Array.from({ length: 500 }, (_, n) => ledger.put(`hash ${n}`, ANSWER)));
      ledger.remember(Array.from({ length: 500 }, (_, n) => [`id ${n}`, { passage: "p", themes: [], requests: [] }]));
    }
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.fill(0xa5, 5 * 4096)); // All but the first pages.
    using ledger = openLedger(path);
    const damaged = (error: unknown) => error instanceof UserError && /damaged/.test(error.message);
    throws(() => {
      for (let n = 0; n < 500; n++) ledger.get(`hash ${n}`);
    }, damaged);
    throws(() => [...ledger.remembered()], damaged);
    throws(() => {
      for (let turn = 1; turn <= 500; turn++) ledger.asked(turn);
    }, damaged);
  }));

Deno.test("openLedger refuses a second run on the same file", () =>
  withFolder((folder) => {
    const path = join(folder, "ledger.sqlite");
    using _first = openLedger(path);
    throws(() => openLedger(path), (error: unknown) => error instanceof UserError && /another run/.test(error.message));
  }));

Deno.test("openLedger refuses what is no ledger, and a folder", () =>
  withFolder(async (folder) => {
    const path = join(folder, "ledger.sqlite");
    await Deno.writeTextFile(path, "not a database ".repeat(100));
    throws(
      () => openLedger(path),
      (error: unknown) => error instanceof UserError && /not a ledger/.test(error.message),
    );
    throws(() => openLedger(folder), UserError);
    const other = join(folder, "other.sqlite");
    {
      const database = new DatabaseSync(other);
      database.exec("CREATE TABLE bookmarks (url TEXT)");
      database.close();
    }
    const before = await Deno.readFile(other);
    throws(() => openLedger(other), /not a ledger/);
    deepEqual(await Deno.readFile(other), before, "another program's database stays as it is");

    const empty = join(folder, "empty.sqlite");
    await Deno.writeTextFile(empty, "");
    throws(() => openLedger(empty, { emptyToo: false }), /not a ledger/);
    equal((await Deno.stat(empty)).size, 0);
    openLedger(empty)[Symbol.dispose](); // As a run leaves it that was killed at its very start.
    openLedger(empty, { emptyToo: false })[Symbol.dispose]();
  }));

Deno.test("openLedger keeps every answer that was acknowledged before the process is killed", () =>
  withFolder(async (folder) => {
    const path = join(folder, "ledger.sqlite");
    const script = join(folder, "writer.ts");
    const module = new URL("../../lib/dialogue/ledger.ts", import.meta.url).href;
    await Deno.writeTextFile(
      script,
      `import { openLedger } from ${JSON.stringify(module)};
       const ledger = openLedger(${JSON.stringify(path)});
       for (let n = 0;; n++) {
         await ledger.put(String(n), ${JSON.stringify(ANSWER)});
         console.log(n);
       }`,
    );
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", "--config", config, script],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.split("\n").length > 50) child.kill("SIGKILL");
    }
    await child.status;
    const last = Number(said.trimEnd().split("\n").at(-1));
    using ledger = openLedger(path);
    for (let n = 0; n <= last; n++) deepEqual(ledger.get(String(n)), ANSWER, `answer ${n} of ${last}`);
  }));
