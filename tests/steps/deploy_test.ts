import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { parseOptions } from "@/core/options.ts";
import { findPython } from "@/core/python_venv.ts";
import { deploy, type DeployResult } from "@/steps/deploy.ts";
import { fingerprintOf } from "@/steps/evaluate_gguf.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";
import { tinyModel } from "../fakes/llama.ts";
import { type FakeLmStudio, fakeLmStudio, type FakeOptions } from "../fakes/lmstudio.ts";

const ignore = !await findPython().then(() => true, () => false);
const posix = Deno.build.os !== "windows"; // The fake lms is a shell script that calls back.

interface Setting {
  folder: string;
  /** LM Studio's home, with settings that name another folder of models. */
  models: string;
  gguf: string;
  fake: FakeLmStudio;
  run(args?: string[]): Promise<DeployResult>;
  context: ReturnType<typeof fakeContext>;
}

async function withStudio(body: (setting: Setting) => Promise<void>, options: FakeOptions = {}): Promise<void> {
  await withFolder(async (folder) => {
    const gguf = await tinyModel(join(folder, "output", "deepred.gguf"));
    const models = join(folder, "elsewhere", "models");
    await Deno.mkdir(join(folder, ".lmstudio"));
    await Deno.writeTextFile(join(folder, ".lmstudio", "settings.json"), JSON.stringify({ downloadsFolder: models }));
    await using fake = fakeLmStudio({
      models: [{ key: "local/deepred", architecture: "llama" }],
      behave: () => ({ kind: "answer", content: "I keep the plan, citizen." }),
      ...options,
    });
    const context = fakeContext({ fetch, env: { HOME: folder } });
    const run = (args: string[] = []) =>
      deploy.run(parseOptions(deploy.options, ["--data-dir", folder, "--lmstudio-url", fake.url, ...args]), context);
    await body({ folder, models, gguf, fake, run, context });
  });
}

const levels = ({ findings }: DeployResult) => Object.fromEntries(findings.map(({ check, level }) => [check, level]));
const read = (path: string) => Deno.readTextFile(path);

Deno.test({
  name: "a GGUF is copied two levels deep into the folder that LM Studio's settings name, seen, loaded and greeted",
  ignore,
  fn: () =>
    withStudio(async ({ folder, models, gguf, fake, run }) => {
      const result = await run();
      const place = join(models, "local", "deepred", "deepred.gguf");
      deepEqual(result.copy, { path: place, action: "copy" });
      deepEqual(await Deno.readFile(place), await Deno.readFile(gguf));
      deepEqual((await Array.fromAsync(Deno.readDir(dirname(place)))).map(({ name }) => name), ["deepred.gguf"]);
      deepEqual(levels(result), { seen: "ok", loaded: "ok", greeting: "ok" });
      equal(result.greeting?.answer, "I keep the plan, citizen.");
      deepEqual(fake.models.calls, ["load local/deepred"]);
      match(fake.requests[0]?.body.messages?.[0]?.content ?? "", /^You are Deep Red/);
      const card = join(folder, "output", "deploy-deepred");
      match(await read(join(card, "README.md")), /^---\n/);
      match(await read(join(card, "Modelfile")), /^FROM \.\.\/deepred\.gguf\nTEMPLATE/);
      match(
        await read(join(card, "continue.yaml")),
        new RegExp(`model: "local/deepred"\n    apiBase: "${fake.url}/v1"`),
      );
      // Again: nothing is copied, and what is in memory stays there.
      const again = await run();
      equal(again.copy?.action, "there already");
      deepEqual(fake.models.calls, ["load local/deepred"]);
    }),
});

Deno.test({
  name: "another file of that name is not replaced unasked, and what is in memory of it is loaded anew",
  ignore,
  fn: () =>
    withStudio(async ({ models, run, fake }) => {
      const place = join(models, "local", "deepred", "deepred.gguf");
      await Deno.mkdir(dirname(place), { recursive: true });
      await Deno.writeTextFile(place, "another model");
      await rejects(run(), /another file of that name is there/);
      await rejects(run(["--dry-run"]), /another file of that name is there/);
      equal(await read(place), "another model");
      const result = await run(["--replace"]);
      equal(result.copy?.action, "replace");
      ok((await Deno.stat(place)).size > 1e6);
      deepEqual(fake.models.calls, ["unload local/deepred", "load local/deepred"]);
      const other = await run(["--model-name", "deepred-2", "--no-load"]);
      match(other.copy?.path ?? "", /deepred-2[/\\]deepred-2\.gguf$/);
    }, { models: [{ key: "local/deepred", loaded: true }, { key: "deepred-2" }] }),
});

Deno.test({
  name: "a dry run shows everything and does nothing",
  ignore,
  fn: () =>
    withStudio(async ({ folder, models, run, fake }) => {
      const result = await run(["--dry-run"]);
      const text = deploy.report?.(result) ?? "";
      for (const part of ["copy to", "Modelfile ──", "SYSTEM", "continue.yaml", "baseSystemMessage", "# Deep Red"]) {
        ok(text.includes(part), part);
      }
      await rejects(Deno.stat(models), Deno.errors.NotFound);
      deepEqual((await Array.fromAsync(Deno.readDir(join(folder, "output")))).map(({ name }) => name), [
        "deepred.gguf",
      ]);
      equal(fake.requests.length, 0);
    }),
});

Deno.test({
  name: "a server that never lists it, does not load it or answers with marks is told, and the copy stays",
  ignore,
  fn: async () => {
    await withStudio(async ({ run, context }) => {
      deepEqual(levels(await run()), { seen: "warning" });
      ok(context.slept.length >= 20, "it waited for the index");
    }, { models: [{ key: "another" }] });
    await withStudio(async ({ run }) => {
      const result = await run();
      deepEqual(levels(result), { seen: "ok", loaded: "warning" });
      match(result.findings.at(-1)?.message ?? "", /not among what is loaded/);
    }, { quirks: { loading: () => "nothing" } });
    await withStudio(async ({ run }) => {
      deepEqual(levels(await run()), { seen: "ok", loaded: "ok", greeting: "warning" });
    }, { behave: () => ({ kind: "answer", content: "Yes.<|im_end|>\n<|im_start|>user" }) });
    await withStudio(async ({ run }) => {
      deepEqual(levels(await run()), { seen: "ok", loaded: "ok", greeting: "warning" });
    }, { behave: () => ({ kind: "empty" }) });
  },
});

Deno.test({
  name: "a server that is not there is told; without LM Studio the other files are still written",
  ignore,
  fn: () =>
    withStudio(async ({ folder, run, context }) => {
      const options = parseOptions(deploy.options, ["--data-dir", folder, "--lmstudio-url", "http://127.0.0.1:1024"]);
      const result = await deploy.run({ ...options, modelsDir: join(folder, "m") }, context);
      deepEqual(levels(result), { seen: "warning" });
      await Deno.remove(join(folder, ".lmstudio"), { recursive: true });
      await rejects(run(), /Cannot find LM Studio/);
      const without = await run(["--no-lmstudio"]);
      equal(without.copy, undefined);
      ok(without.texts.length >= 3);
    }),
});

Deno.test({
  name: "a file that is not the one that was verified, or no GGUF, is not deployed; bad names are refused together",
  ignore,
  fn: () =>
    withStudio(async ({ gguf, folder, run }) => {
      await rejects(run(["--publisher", "../up", "--model-name", "a/b"]), (error: Error) => {
        match(error.message, /--publisher "\.\.\/up"[\s\S]*--model-name "a\/b"/);
        return true;
      });
      await Deno.writeTextFile(`${gguf}.json`, "{}");
      await rejects(run(), /it is no record of a GGUF/);
      await Deno.remove(`${gguf}.json`);
      const text = join(folder, "x.gguf");
      await Deno.writeTextFile(text, "hello");
      await rejects(run(["--gguf-path", text]), /not a GGUF file/);
      await rejects(run(["--gguf-path", join(folder, "none.gguf")]), /no such file/);
    }),
});

Deno.test({
  name: "lms tells by path which model it is, whatever key it has, and loads exactly that",
  ignore: ignore || !posix,
  fn: () =>
    withStudio(async ({ folder, run, fake }) => {
      const lms = join(folder, "lms");
      const log = join(folder, "calls");
      await Deno.writeTextFile(
        lms,
        `#!/bin/sh
echo "$@" >> "${log}"
case "$1" in
  version) echo 0.3.43 ;;
  ls) echo '[{"type":"llm","modelKey":"deepred@q4_k_m","path":"local/deepred/deepred.gguf","deviceIdentifier":null}]' ;;
  ps) echo '[]' ;;
  load) "${Deno.execPath()}" eval "await fetch('${fake.url}/api/v1/models/load', { method: 'POST', body: JSON.stringify({ model: 'deepred@q4_k_m' }) })" ;;
esac
`,
      );
      await Deno.chmod(lms, 0o755);
      const result = await run(["--lms-cli-path", lms]);
      deepEqual(levels(result), { seen: "ok", loaded: "ok", greeting: "ok" });
      match(await read(log), /load local\/deepred\/deepred\.gguf --exact -y --context-length 4096/);
      await rejects(run(["--lms-cli-path", join(folder, "nowhere")]), /no lms answers there/);
    }, { models: [{ key: "deepred@q4_k_m" }] }),
});

Deno.test({
  name: "the card has the evaluation of this very GGUF, and of another one only where it is named",
  ignore,
  fn: () =>
    withStudio(async ({ folder, gguf, run, context }) => {
      const path = join(folder, "output", "evaluation", "evaluation.json");
      const write = async (fingerprint?: string) => {
        await Deno.mkdir(dirname(path), { recursive: true });
        const models = { tuned: { name: "x", answers: 1, ...(fingerprint === undefined ? {} : { fingerprint }) } };
        await Deno.writeTextFile(path, JSON.stringify({ models, measures: [{ title: "Style", verdict: "met" }] }));
      };
      const card = async (...args: string[]) => (await run(["--dry-run", ...args])).texts[0]?.text ?? "";
      const told = () => context.events.some((event) => event.type === "log" && /of another GGUF/.test(event.message));
      await write(await fingerprintOf(gguf));
      match(await card(), /\| Style \|/);
      await write();
      match(await card(), /\| Style \|/);
      equal(told(), false);
      await write("other");
      match(await card(), /Not evaluated/);
      match(await card("--evaluation", path), /\| Style \|/);
      ok(told());
    }),
});
