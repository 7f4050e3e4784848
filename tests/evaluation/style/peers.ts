/** Python packages that measure the same, in an environment of their own; made once. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { readEnvironment } from "@/core/env.ts";
import { messageOf } from "@/core/errors.ts";
import { pythonFor } from "@/core/python_venv.ts";
import { emitAll, type StepEvent } from "@/core/step.ts";
import { fakeContext } from "../../fakes/context.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The interpreter with the packages, or why there is none. */
export async function peersPython(): Promise<{ path: string } | { why: string }> {
  const emit = (event: StepEvent) => void (event.type === "log" && console.log(event.message));
  const context = fakeContext({ env: readEnvironment(), emit });
  try {
    return { path: await emitAll(pythonFor("peers", context, join(here, "requirements-peers.txt")), context) };
  } catch (error) {
    return { why: messageOf(error).split("\n")[0] ?? "" };
  }
}

const numbers = z.array(z.number());
const Answer = z.object({
  wasserstein: z.number(),
  kolmogorovSmirnov: z.number(),
  jensenShannon: z.number(),
  cosine: z.number(),
  burrows: z.number(),
  argamon: z.number(),
  mtld: z.number(),
  mattr: z.number(),
  logOdds: numbers,
  deltas: z.record(z.string(), z.number()),
  topTokens: z.array(z.string()),
  zMeanSd: z.tuple([numbers, numbers]),
});

/** Asks the packages. */
export async function askPeers(python: string, question: unknown): Promise<z.infer<typeof Answer>> {
  const child = new Deno.Command(python, {
    args: [join(here, "peers.py")],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(question)));
  await input.close();
  const { success, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return Answer.parse(JSON.parse(text.decode(stdout)));
}
