/** How llama-server is run, and what its last words mean. */

/**
 * llama-server does not watch its standard input; this shell does, and ends it when the process that holds the other end
 * is gone, by `kill -9` too. It outlives SIGTERM, so that the server has its grace. Nothing is interpolated: the program
 * and its arguments are the shell's own parameters.
 */
const WATCH = `
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
( cat <&3 >/dev/null; kill -KILL "$server" ) >/dev/null 2>&1 &
watch=$!
trap '' TERM
exec 3<&-
wait "$server"
code=$?
kill -KILL "$watch" 2>/dev/null
exit "$code"
`;

/** Program and arguments for `runProcess`. On Windows the program itself: a child there has no group to end with. */
export function supervised(program: string, args: readonly string[]): [string, string[]] {
  return Deno.build.os === "windows"
    ? [program, [...args]]
    : ["/bin/sh", ["-c", WATCH, "llama-server", program, ...args]];
}

/** What to do about a server that ended with these lines and this exit code. */
export function loadHint(lines: string, code: number): string {
  if (/bind/i.test(lines)) return "Another program has the port; use port 0.";
  if (/unknown (?:model )?architecture|unknown pre-tokenizer/i.test(lines)) {
    return "This llama.cpp does not know the model; use a newer one by LLAMA_CPP_BIN.";
  }
  // 132: an illegal instruction, 137: killed; a shell adds 128 to the signal's number.
  if (code === 132) {
    return "It was built for another processor: remove llama.cpp from the cache folder, and it is built anew.";
  }
  if (code === 137 || /out of memory|failed to allocate|cannot allocate/i.test(lines)) {
    return "Memory ran out: use a smaller context, fewer requests at once, or a smaller model.";
  }
  if (/invalid argument|unknown argument/i.test(lines)) return "This llama-server is too old; build a newer one.";
  return "Check that the file is complete and is a language model.";
}
