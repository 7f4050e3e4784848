import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UserError } from "@/core/errors.ts";
import { machine } from "@/core/gpu.ts";
import { findPython } from "@/core/python_venv.ts";
import { findConverter, findProgram, llamaProgram } from "@/llm/llama_cpp.ts";
import { buildFolder, buildLlamaCpp, executable, hasCompiler, PROGRAMS } from "@/llm/llama_cpp_build.ts";
import { isMade, makeOnce } from "@/llm/llama_cpp_cache.ts";
import { llamaSource, sourceFolder } from "@/llm/llama_cpp_source.ts";
import { checkLlamaCpp } from "@/steps/doctor_checks.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

const unix = Deno.build.os !== "windows";
const python = await findPython().then((found) => found.command[0], () => undefined);
const server = executable("llama-server");

async function put(...parts: string[]): Promise<string> {
  const path = join(...parts);
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeTextFile(path, "");
  return path;
}

Deno.test("findProgram looks at LLAMA_CPP_BIN, LLAMA_CPP_DIR, PATH and the cache, in that order", () =>
  withFolder(async (folder) => {
    const env: Record<string, string> = { VOICEWORKS_CACHE: join(folder, "cache") };
    equal(await findProgram("llama-server", env), undefined);
    const built = await buildFolder(env);
    const cached = await put(built, "bin", server);
    equal(await findProgram("llama-server", env), undefined, "a build that was not finished is none");
    await put(built, "voiceworks.json");
    equal(await findProgram("llama-server", env), cached);
    const onPath = await put(folder, "path", server);
    equal(await findProgram("llama-server", { ...env, PATH: join(folder, "path") }), onPath);
    const inTree = await put(folder, "tree", "build", "bin", server);
    env.PATH = join(folder, "path");
    env.LLAMA_CPP_DIR = join(folder, "tree");
    equal(await findProgram("llama-server", env), inTree);
    const own = await put(folder, "own", server);
    equal(await findProgram("llama-server", { ...env, LLAMA_CPP_BIN: join(folder, "own") }), own);
    equal(await findProgram("llama-server", { ...env, LLAMA_CPP_BIN: own }), own, "the program itself may be named");
    equal(await llamaProgram("llama-server", fakeContext({ env })), inTree);
  }));

Deno.test("findProgram refuses a setting that does not lead to the program", () =>
  withFolder(async (folder) => {
    const env = { VOICEWORKS_CACHE: folder };
    await rejects(findProgram("llama-quantize", { ...env, LLAMA_CPP_BIN: folder }), (error: UserError) => {
      match(error.message, /LLAMA_CPP_BIN.*no llama-quantize/);
      equal(error.exitCode, 2);
      return true;
    });
    await rejects(findProgram("llama-server", { ...env, LLAMA_CPP_DIR: join(folder, "none") }), /no such folder/);
  }));

Deno.test("findConverter passes over a script that lacks the package beside it", () =>
  withFolder(async (folder) => {
    const script = await put(folder, "bin", "convert_hf_to_gguf.py");
    await Deno.writeTextFile(script, "import sys\nfrom conversion import ModelBase\n");
    const env = { VOICEWORKS_CACHE: folder, PATH: join(folder, "bin") };
    equal(await findConverter(env), undefined);
    await put(folder, "bin", "conversion", "__init__.py");
    equal(await findConverter(env), script);
  }));

Deno.test("makeOnce has one of two makers work, and takes up what an interrupted one left", () =>
  withFolder(async (root) => {
    const folder = join(root, "thing");
    const context = fakeContext();
    await rejects(makeOnce(folder, "it", context, () => Promise.reject(new Error("power cut"))), /power cut/);
    equal(await isMade(folder), false);
    let made = 0;
    const make = async () => {
      made++;
      await Deno.mkdir(folder, { recursive: true });
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await Promise.all([makeOnce(folder, "it", context, make), makeOnce(folder, "it", context, make)]);
    equal(made, 1);
    await makeOnce(folder, "it", context, () => Promise.reject(new Error("made again")));
  }));

/** Makes an archive of `[name, content]` entries; a content that starts with `->` is a link. */
const PACK = `import io, json, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as tar:
    for name, content in json.loads(sys.argv[2]):
        member = tarfile.TarInfo(name)
        if content.startswith("->"):
            member.type, member.linkname = tarfile.SYMTYPE, content[2:]
        member.size = 0 if member.issym() else len(content)
        tar.addfile(member, io.BytesIO(content.encode()))
`;

async function unpack(folder: string, entries: [string, string][]) {
  const run = async (...args: string[]) => await new Deno.Command(python ?? "", { args, stderr: "piped" }).output();
  const archive = join(folder, "source.tar.gz");
  equal((await run("-c", PACK, archive, JSON.stringify(entries))).code, 0);
  const { code, stderr } = await run("lib/python/unpack_llama.py", archive, join(folder, "out", "in"));
  return { code, said: new TextDecoder().decode(stderr) };
}

Deno.test({
  name: "unpack_llama takes llama.cpp alone and lets no file out of its folder",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const good: [string, string][] = [
        ["x-1/setup.py", "no"],
        ["x-1/vendor/llama.cpp/CMakeLists.txt", "yes"],
        ["x-1/vendor/llama.cpp/.git", "no"],
        ["x-1/vendor/llama.cpp/models/big.gguf", "no"],
        ["x-1/vendor/llama.cpp/link", "->/etc/passwd"],
        ["x-1/vendor/llama.cpp/link/shadow", "a file behind the link"],
      ];
      equal((await unpack(folder, good)).code, 0);
      const names = (await Array.fromAsync(Deno.readDir(join(folder, "out", "in")))).map((entry) => entry.name);
      deepEqual(names.sort(), ["CMakeLists.txt", "link"]);
      ok((await Deno.lstat(join(folder, "out", "in", "link"))).isDirectory, "the link was not made");
      const { code, said } = await unpack(folder, [...good, ["x-1/vendor/llama.cpp/../../../../evil", "evil"]]);
      equal(code, 1);
      match(said, /unsafe path/);
      match((await unpack(folder, [["x-1/setup.py", "no"]])).said, /no llama\.cpp/);
    }),
});

/** An environment whose python and cmake only pretend: what they do is in `$MODE`. */
async function pretend(folder: string, mode: string) {
  const bin = join(folder, "venv", "bin");
  await Deno.mkdir(bin, { recursive: true });
  const script = async (name: string, text: string) => {
    await Deno.writeTextFile(join(bin, name), `#!/bin/sh\nMODE=${mode}\nlog="${folder}/calls"\n${text}`);
    await Deno.chmod(join(bin, name), 0o755);
  };
  await script(
    "python",
    `echo "python $*" >> "$log"
for last; do :; done
case "$*" in *"pip download"*) : > "$last/llama.tar.gz";; *unpack*) : > "$last/CMakeLists.txt";; esac`,
  );
  await script("ninja", "");
  await script(
    "cmake",
    `echo "cmake $*" >> "$log"
case "$*" in
  *--version*) ;;
  -S*) if [ $MODE = nocompiler ]; then echo "No CMAKE_CXX_COMPILER could be found." >&2; exit 1; fi; mkdir -p "$4";;
  *"--parallel 1"*) if [ $MODE = memory ]; then
      mkdir -p "$2/bin"; for p in ${PROGRAMS.join(" ")}; do : > "$2/bin/$p"; done; else exit 1; fi;;
  *) echo "[1/2] Building a"
     if [ $MODE = memory ]; then echo "c++: fatal error: Killed signal terminated program cc1plus"; exit 1; fi
     if [ $MODE = broken ]; then echo "FAILED: a.o"; echo "a.cpp:1: error: no such thing"; exit 1; fi
     echo "[2/2] Linking"; mkdir -p "$2/bin"; for p in ${PROGRAMS.join(" ")}; do : > "$2/bin/$p"; done;;
esac`,
  );
  const env = { VOICEWORKS_CACHE: join(folder, "cache"), VOICEWORKS_PYTHON_LLAMA: join(bin, "python") };
  const calls = async () => (await Deno.readTextFile(join(folder, "calls"))).split("\n").filter(Boolean);
  return { context: fakeContext({ env }), calls };
}

/** Two runs side by side would see one processor at least, and the retry is told apart by its one job. */
const ignore = !unix || !await hasCompiler() || navigator.hardwareConcurrency === 1;

Deno.test({
  name: "buildLlamaCpp builds once, tells how far it is, and leaves only the programs",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { context, calls } = await pretend(folder, "works");
      const bin = await buildLlamaCpp(context);
      const programs = (await Array.fromAsync(Deno.readDir(bin))).map(({ name }) => name).sort();
      deepEqual(programs, [...PROGRAMS].sort());
      const progress = context.events.filter((event) => event.type === "progress");
      deepEqual(progress.map(({ done, total }) => [done, total]), [[1, 2], [2, 2]]);
      ok(await isMade(await sourceFolder(context.env)));
      await rejects(Deno.stat(join(bin, "..", "build")), Deno.errors.NotFound);
      const before = (await calls()).length;
      equal(await buildLlamaCpp(context), bin);
      equal((await calls()).length, before, "the second time nothing is run");
      equal(await findProgram("llama-quantize", context.env), join(bin, "llama-quantize"));
      ok((await calls()).some((call) => /--require-hashes/.test(call)), "the sources are held against their hash");
    }),
});

Deno.test({
  name: "buildLlamaCpp goes on with one compiler at a time when memory ran out",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const { context } = await pretend(folder, "memory");
      await buildLlamaCpp(context);
      ok(context.events.some((event) => event.type === "log" && /one file at a time/.test(event.message)));
    }),
});

Deno.test({
  name: "buildLlamaCpp quotes the compiler when it fails, and tells how to install one where none works",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const broken = await pretend(folder, "broken");
      await rejects(buildLlamaCpp(broken.context), /a\.cpp:1: error: no such thing/);
      equal(await isMade(await buildFolder(broken.context.env)), false);
      const none = await pretend(folder, "nocompiler");
      await rejects(buildLlamaCpp(none.context), (error: UserError) => {
        match(error.message, /no C\+\+ compiler/);
        match(error.hint ?? "", /Install one/);
        return true;
      });
    }),
});

Deno.test({
  name: "llamaSource fetches once and keeps the sources apart from what is built",
  ignore: !unix,
  fn: () =>
    withFolder(async (folder) => {
      const { context, calls } = await pretend(folder, "works");
      const source = await llamaSource(context);
      deepEqual((await Array.fromAsync(Deno.readDir(source))).map(({ name }) => name).sort(), [
        "CMakeLists.txt",
        "voiceworks.json",
      ]);
      await llamaSource(context);
      equal((await calls()).length, 2);
    }),
});

Deno.test("checkLlamaCpp tells a wrong setting from a llama.cpp that is not built yet", () =>
  withFolder(async (folder) => {
    const env = { VOICEWORKS_CACHE: folder };
    const probe = {
      ...machine,
      ask: () => Promise.resolve({ code: 0, stdout: "", stderr: "version: 0 (abc)\nbuilt" }),
    };
    equal((await checkLlamaCpp(probe, env)).state, "missing");
    equal((await checkLlamaCpp(probe, { ...env, LLAMA_CPP_BIN: folder })).state, "wrong");
    await put(folder, server);
    match((await checkLlamaCpp(probe, { ...env, LLAMA_CPP_BIN: folder })).found, /^llama-server 0 \(abc\)/);
    const broken = { ...probe, ask: () => Promise.resolve(undefined) };
    equal((await checkLlamaCpp(broken, { ...env, LLAMA_CPP_BIN: folder })).state, "wrong");
  }));
