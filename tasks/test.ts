/**
 * Runs all tests, docs' examples included, and ends with one line: N passed, N failed.
 * Run as: deno task test [paths and flags of deno test]
 */
const command = new Deno.Command(Deno.execPath(), {
  args: ["test", "--allow-all", "--frozen", "--doc", "--parallel", ...Deno.args],
  stdout: "piped",
  stderr: "inherit",
  env: { NO_COLOR: "1" },
});
const child = command.spawn();
let tail = "";
for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
  tail = (tail + text).slice(-4000);
}
const { code } = await child.status;
const counts = [...tail.matchAll(/(\d+) passed.*? \| (\d+) failed(?:.*? \| (\d+) ignored)?/g)].at(-1);
if (counts) console.log(`${counts[1]} passed, ${counts[2]} failed${counts[3] ? `, ${counts[3]} skipped` : ""}`);
else console.log("0 passed, 1 failed"); // Deno ended before it counted: a module that does not load, say.
Deno.exit(code === 0 && counts ? 0 : 1);
