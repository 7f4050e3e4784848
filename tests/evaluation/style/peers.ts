/** Python packages that measure the same, in an environment of their own; made once. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { readEnvironment } from "@/core/env.ts";
import { messageOf } from "@/core/errors.ts";
import { pythonFor } from "@/core/python_venv.ts";
import { fakeContext } from "../../fakes/context.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The interpreter with the packages, or why there is none. */
export async function peersPython(): Promise<{ path: string } | { why: string }> {
  const context = fakeContext({ env: readEnvironment() });
  try {
    const making = pythonFor("peers", context, join(here, "requirements-peers.txt"));
    for (let step = await making.next();; step = await making.next()) {
      if (step.done) return { path: step.value };
      if (step.value.type === "log") console.log(step.value.message);
    }
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
