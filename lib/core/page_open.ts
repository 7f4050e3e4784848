/** Opens an address in the user's browser, by the program that each operating system has for it. */

/** The command; the address is one argument and never goes through a shell. */
export function openCommand(address: string, os: typeof Deno.build.os): { command: string; args: string[] } {
  if (os === "windows") return { command: "rundll32", args: ["url.dll,FileProtocolHandler", address] };
  return { command: os === "darwin" ? "open" : "xdg-open", args: [address] };
}

/** Starts the browser without waiting for it. False where there is none, or this process may not start it. */
export function openInBrowser(address: string, os: typeof Deno.build.os = Deno.build.os): boolean {
  const { command, args } = openCommand(address, os);
  try {
    const child = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    child.unref();
    child.status.catch(() => {}); // How a browser ends is its own affair.
    return true;
  } catch {
    return false;
  }
}
