import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { readEnvironment } from "@/core/env.ts";
import { presetPath, WORKSPACE } from "@/core/paths.ts";
import { findToolchain, interpreterOf } from "@/core/python_venv.ts";
import { config } from "@/steps/gaea/config.ts";
import { fakeContext } from "../fakes/context.ts";
import { withFolder } from "../fakes/folder.ts";

const env = readEnvironment();
const found = await findToolchain("axolotl", env);
/** Axolotl's environment takes 7 GB: where it is not installed, its own checks are passed over. */
const ignore = found === undefined;
if (ignore) console.log("Axolotl is not installed: its own check of the configuration is not tested");

Deno.test({
  name: "axolotl.schema.json is what Axolotl's own classes say",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const path = join(folder, "schema.json");
      const python = found && (await Deno.stat(found)).isDirectory ? interpreterOf(found) : found ?? "";
      const script = join(WORKSPACE, "lib", "python", "axolotl_schema.py");
      const { code, stderr } = await new Deno.Command(python, { args: [script, path], stderr: "piped", stdout: "null" })
        .output();
      equal(code, 0, new TextDecoder().decode(stderr).slice(-2000));
      deepEqual(
        JSON.parse(await Deno.readTextFile(presetPath("gaea/axolotl.schema.json"))),
        JSON.parse(await Deno.readTextFile(path)),
      );
    }),
});

Deno.test({
  name: "Axolotl's own code accepts what gaea:config writes, and its refusals are told",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const options = config.options.parse({ dataDir: folder });
      const { path, findings } = await config.run(options, fakeContext({ env }));
      match(findings.map(({ message }) => message).join("\n"), /Axolotl's own code accepts it/);
      // A key that asks for another, which the shipped schema cannot know.
      await Deno.writeTextFile(
        path,
        (await Deno.readTextFile(path)) + "\nstreaming: true\n",
      );
      await rejects(
        config.run({ ...options, check: true }, fakeContext({ env })),
        /Axolotl says: .*max_steps must be set/,
      );
    }),
});
