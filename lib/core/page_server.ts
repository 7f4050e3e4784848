/** Pages that a step serves on this machine alone: their own files, and what they ask for. */
import { isAbort, messageOf, UserError } from "./errors.ts";
import { admit, HEADERS } from "./page_guard.ts";
import { openInBrowser } from "./page_open.ts";
import type { Context } from "./step.ts";

const LOCAL = "127.0.0.1";

/** What a page may ask: the path below the token, and who answers. */
export interface Route {
  /** @default {"GET"} */
  readonly method?: "GET" | "POST";
  answer(request: Request): Promise<Response> | Response;
}

/** Answers requests; it is bound to no port, so that tests can ask it directly. */
export type Handler = (request: Request) => Promise<Response>;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * A handler for a page's files and routes. Only requests that `admit` lets in are answered; a fault becomes a plain text
 * of status 500, and a log event.
 *
 * @param files The page's files by path below the token; the empty path is the page itself.
 * @param port tells the server's own port once it is known; requests to any other are refused.
 */
export function pageHandler(
  { token, port, files, routes, emit }: {
    token: string;
    port: () => number;
    files: Readonly<Record<string, URL>>;
    routes: Readonly<Record<string, Route>>;
    emit: Context["emit"];
  },
): Handler {
  const answerFor = async (request: Request): Promise<Response> => {
    const admitted = admit(request, token, port());
    if ("refused" in admitted) return problem(403, admitted.refused);
    const { path } = admitted;
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route?.method === "POST") {
      return request.method === "POST" ? await route.answer(request) : problem(405, "This is posted.", "POST");
    }
    if (request.method !== "GET" && request.method !== "HEAD") return problem(405, "This is only read.", "GET, HEAD");
    // Without the last slash the page's own files would be looked for beside the token.
    if (new URL(request.url).pathname === `/${token}`) {
      return new Response(null, { status: 308, headers: { ...HEADERS, location: `/${token}/` } });
    }
    if (route) return await route.answer(request);
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (!file) return problem(404, "There is nothing at this address.");
    return answer(200, await Deno.readFile(file), TYPES[file.pathname.split(".").at(-1) ?? ""] ?? "text/plain");
  };
  return async (request) => {
    try {
      return await answerFor(request);
    } catch (error) {
      if (isAbort(error)) return problem(409, messageOf(error));
      const words = error instanceof UserError && error.hint ? `${error.message}\n${error.hint}` : messageOf(error);
      emit({ type: "log", level: "error", message: words });
      return problem(500, words);
    }
  };
}

/**
 * Listens on 127.0.0.1 until the signal fires.
 *
 * @param port 0 is any that is free.
 * @throws {UserError} the port is taken, or the system does not allow it.
 */
export function listenLocally(port: number, handler: Handler, signal: AbortSignal): Deno.HttpServer<Deno.NetAddr> {
  const hint = "Leave --port out to have any port that is free.";
  try {
    return Deno.serve({ hostname: LOCAL, port, signal, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new UserError(`Cannot listen on port ${port}: another program does`, { hint, cause: error });
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UserError(`Cannot listen on port ${port}: the system does not allow it`, {
        hint: `Ports below 1024 belong to the system. ${hint}`,
        cause: error,
      });
    }
    throw error;
  }
}

/** Tells the page's address and what is there, and opens it where that is wanted. */
export function announcePage(
  { port, token, what, open }: { port: number; token: string; what: string; open: boolean },
  { emit }: Pick<Context, "emit">,
): void {
  const address = `http://${LOCAL}:${port}/${token}/`;
  const say = (message: string) => emit({ type: "log", level: "info", message });
  say(`${what}\n${address}`);
  if (open && !openInBrowser(address)) say("No browser could be opened from here: open that address yourself.");
  say("Ctrl-C ends it. The address is a key: whoever has it, on this machine, can read and judge.");
}

export function json(value: unknown): Response {
  return answer(200, JSON.stringify(value), "application/json");
}

export function problem(status: number, message: string, allow?: string): Response {
  const response = answer(status, message, "text/plain; charset=utf-8");
  if (allow) response.headers.set("allow", allow);
  return response;
}

function answer(status: number, body: string | Uint8Array<ArrayBuffer>, type: string): Response {
  return new Response(body, { status, headers: { ...HEADERS, "content-type": type } });
}

/** The JSON that was posted; `undefined` where it is none, or longer than `most` bytes. */
export async function postedJson(request: Request, most: number): Promise<unknown> {
  let text = "";
  let bytes = 0;
  const decoder = new TextDecoder();
  for await (const part of request.body ?? []) {
    bytes += part.length;
    if (bytes > most) return undefined;
    text += decoder.decode(part, { stream: true });
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
