/**
 * A stand-in for the program vLLM: `vllm serve MODEL --port …` in its own words, with its ways of failing. By the model's
 * name: "gated" is refused by the hub, "huge" does not fit, "crash" dies while it serves; all others are served.
 */
import { parseArgs } from "node:util";
import { fakeVoiceServer } from "./voice_server.ts";

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: {
      host: text,
      port: text,
      "served-model-name": text,
      "max-model-len": text,
      "gpu-memory-utilization": text,
      "generation-config": text,
      "enable-lora": { type: "boolean" },
      "lora-modules": { type: "string", multiple: true },
      "max-lora-rank": text,
    },
  });
  const [command, model = ""] = positionals;
  console.error(`INFO vLLM API server, args: ${Deno.args.join(" ")}`);
  if (command !== "serve") Deno.exit(2);
  if (model.includes("gated")) {
    console.error("OSError: You are trying to access a gated repo.\n401 Client Error.");
    Deno.exit(1);
  }
  if (model.includes("huge")) {
    console.error(
      "ValueError: Free memory on device (5.1/31.8 GiB) on startup is less than desired GPU memory utilization (0.9, 28.6 GiB).",
    );
    Deno.exit(1);
  }
  if (values["generation-config"] !== "vllm") Deno.exit(3);
  await new Promise((resolve) => setTimeout(resolve, 300)); // It loads.
  const adapters = (values["lora-modules"] ?? []).map((module) => module.split("=")[0] ?? "");
  await using server = fakeVoiceServer({
    models: [String(values["served-model-name"]), ...adapters],
    port: Number(values.port),
  });
  console.error(`INFO: Application startup complete. ${server.url}`);
  if (model.includes("crash")) setTimeout(() => Deno.exit(9), 300);
  await new Promise((resolve) => Deno.addSignalListener("SIGTERM", () => resolve(undefined)));
}

/** Writes a program that runs the stand-in; its path. Not on Windows. */
export async function fakeVllmProgram(folder: string): Promise<string> {
  const path = `${folder}/vllm`;
  const self = new URL(import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const script = `#!/bin/sh\nexec "${Deno.execPath()}" run -A --quiet --no-check --config "${config}" "${self}" "$@"\n`;
  await Deno.writeTextFile(path, script, { mode: 0o755 });
  return path;
}
