/** One step from the terminal. Run as: deno task <step> [options] */
import { enter } from "@/core/door.ts";
import { stepHelp } from "@/core/help.ts";
import { parseOptions } from "@/core/options.ts";
import { terminal } from "@/core/terminal.ts";
import { findStep } from "@/steps/mod.ts";

const [name = "", ...args] = Deno.args;

await enter(async () => {
  const step = await findStep(name);
  if (args.includes("--help") || args.includes("-h")) return console.log(stepHelp(step));
  const options = parseOptions(step.options, args, step.word);
  const context = terminal();
  try {
    const result = await step.run(options, context);
    context.close();
    console.log(step.report?.(result) ?? "");
  } finally {
    context.close();
  }
});
