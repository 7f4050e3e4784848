/** llama-server as a resource: started on a GGUF, ready when the promise resolves, gone when it is disposed of. */
import { basename, resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import { fileError } from "../core/files.ts";
import { delay } from "../core/python_process.ts";
import type { Context } from "../core/step.ts";
import type { ChatEngine } from "./chat.ts";
import { ChatError } from "./errors.ts";
import { llamaProgram } from "./llama_cpp.ts";
import { loadHint } from "./llama_server_process.ts";
import { openaiEngine, type OpenAiOptions } from "./openai.ts";
import { serverAddress } from "./server.ts";
import { freePort, startServerProcess } from "./server_process.ts";

export interface LlamaServerOptions {
  /** Path of a GGUF. */
  readonly model: string;
  /** 0 is any free port. @default {0} */
  readonly port?: number;
  /** Tokens that one request and its answer may have together. @default {4096} */
  readonly contextSize?: number;
  /** Requests answered at once; each takes memory for its own context. @default {4} */
  readonly parallel?: number;
  /** Layers put on the GPU; without it llama-server takes as many as fit. */
  readonly gpuLayers?: number;
  /** Threads that compute; without it, as many as there are cores. More than are idle make each other wait. */
  readonly threads?: number;
  /** The model's name in requests. @default {the file's name without .gguf} */
  readonly alias?: string;
}

export interface LlamaServer extends AsyncDisposable {
  readonly url: string;
  /** The model's name in requests. */
  readonly alias: string;
  /** Resolves when the process has ended: with the reason, or undefined after `stop`. */
  readonly ended: Promise<UserError | undefined>;
  /** Ends the process and all that it started; resolves when they are gone. */
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";

/**
 * Starts llama-server on this machine alone and waits until the model is loaded. llama.cpp is built where none is found.
 * The server ends with `stop`, by `await using`, when the context's signal fires, and with this process, however it ends.
 *
 * @throws {UserError} a file that is no GGUF, a port that is taken, a model that does not load (with the server's last
 * words); the signal's reason when it fired.
 *
 * @example
 * ```ts ignore
 * await using server = await startLlamaServer({ model: "voice-q4_k_m.gguf" }, context);
 * const engine = openaiEngine(engineOptions(server, context));
 * ```
 */
export async function startLlamaServer(options: LlamaServerOptions, context: Context): Promise<LlamaServer> {
  const model = resolve(options.model);
  await checkGguf(model);
  const program = await llamaProgram("llama-server", context);
  for (let attempt = 1;; attempt++) {
    try {
      return await start(program, model, options, context);
    } catch (error) {
      // Between our finding a free port and the server's taking it another program may have come.
      const taken = error instanceof UserError && /bind/i.test(error.message);
      if (!taken || options.port || attempt === 3) throw error;
    }
  }
}

async function start(
  program: string,
  model: string,
  options: LlamaServerOptions,
  context: Context,
): Promise<LlamaServer> {
  const alias = options.alias ?? basename(model).replace(/\.gguf$/i, "");
  const port = freePort(options.port ?? 0, "llama-server", HOST);
  const url = `http://${HOST}:${port}`;
  const args = serverArgs(model, alias, port, options);
  context.emit({ type: "log", level: "info", message: `llama-server loads "${options.model}" at ${url}` });
  const process = await startServerProcess({
    program,
    args,
    health: `${url}/health`,
    failed: (how, lines, code) =>
      new UserError(
        `Cannot serve "${options.model}" with llama-server: ${how}\n${lines.map((line) => `  ${line}`).join("\n")}`,
        { hint: loadHint(lines.join("\n"), code) },
      ),
  }, context);
  return { ...process, url, alias };
}

/** The arguments of llama-server; only such that old versions know too. */
export function serverArgs(model: string, alias: string, port: number, options: LlamaServerOptions): string[] {
  const { contextSize = 4096, parallel = 4, gpuLayers, threads } = options;
  return [
    ...["--model", model],
    ...["--alias", alias],
    ...["--host", HOST],
    ...["--port", String(port)],
    // It divides the context among its slots.
    ...["--ctx-size", String(contextSize * parallel)],
    ...["--parallel", String(parallel)],
    ...gpuLayers === undefined ? [] : ["--n-gpu-layers", String(gpuLayers)],
    ...threads === undefined ? [] : ["--threads", String(threads)],
  ];
}

/** What `openaiEngine` needs to know of a server. */
export function engineOptions(server: LlamaServer, context: Pick<Context, "fetch">): OpenAiOptions {
  return { address: serverAddress(server.url), model: server.alias, fetch: context.fetch, name: "llama-server" };
}

/**
 * An engine with a llama-server of its own. A server that dies ends the run with the reason: no other request could fare
 * better.
 *
 * @throws {UserError} as `startLlamaServer`.
 */
export async function llamaServerEngine(
  options: LlamaServerOptions,
  context: Context,
): Promise<ChatEngine & AsyncDisposable & { readonly server: LlamaServer }> {
  const server = await startLlamaServer(options, context);
  const engine = openaiEngine(engineOptions(server, context));
  return {
    name: engine.name,
    model: engine.model,
    server,
    [Symbol.asyncDispose]: () => server.stop(),
    async chat(request, signal) {
      try {
        return await engine.chat(request, signal);
      } catch (error) {
        if (!(error instanceof ChatError) || !/unreachable|server/.test(error.kind)) throw error;
        // The connection breaks a moment before the process is known to have ended.
        const reason = await Promise.race([server.ended, delay(500)]);
        if (!reason) throw error;
        throw new ChatError("unreachable", reason.message, {
          ...(reason.hint === undefined ? {} : { hint: reason.hint }),
          retryable: false,
          cause: error,
        });
      }
    },
  };
}

/** @throws {UserError} for a file that is not there or no GGUF. */
async function checkGguf(path: string): Promise<void> {
  const head = new Uint8Array(4);
  try {
    using file = await Deno.open(path);
    await file.read(head);
  } catch (error) {
    throw fileError("read", path, error);
  }
  if (new TextDecoder().decode(head) !== "GGUF") {
    throw new UserError(`Cannot serve "${path}": it is not a GGUF file`, {
      exitCode: 2,
      hint: "Make one from a model's folder: deno task gguf",
    });
  }
}
