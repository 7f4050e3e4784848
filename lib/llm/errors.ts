import { UserError } from "../core/errors.ts";
import { LMSTUDIO_PORT } from "./server.ts";

/** What went wrong with a chat request; decides whether it is tried again and whether the run can go on. */
export type ChatFault =
  | "unreachable"
  | "timeout"
  | "unauthorized"
  | "not_found"
  | "no_model"
  | "schema_unsupported"
  | "context_overflow"
  | "rate_limited"
  | "server"
  | "bad_request"
  | "bad_response"
  | "empty"
  | "truncated";

/** Worth another try with the same request. */
const RETRYABLE: ReadonlySet<ChatFault> = new Set([
  "unreachable",
  "timeout",
  "rate_limited",
  "server",
  "bad_response",
  "empty",
]);

/** No other request to this server can fare better: the run ends. */
const FATAL: ReadonlySet<ChatFault> = new Set(["unauthorized", "not_found", "no_model"]);

/** Belongs to this request and its answer, not to the server's state: kept in the ledger, not asked again. */
const OF_THE_ANSWER: ReadonlySet<ChatFault> = new Set(["context_overflow", "truncated", "empty", "bad_response"]);

/** A chat request that brought no usable answer, in words for the user. */
export class ChatError extends UserError {
  override readonly name = "ChatError";
  readonly kind: ChatFault;
  readonly retryable: boolean;
  /** As the server asked by `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** HTTP status of the refusal, where it was one. */
  readonly status: number | undefined;
  /** What there is of an answer that was cut off. */
  readonly partial: string | undefined;

  constructor(
    kind: ChatFault,
    message: string,
    options: {
      hint?: string;
      cause?: unknown;
      retryAfterMs?: number;
      retryable?: boolean;
      status?: number;
      partial?: string;
    } = {},
  ) {
    super(message, { cause: options.cause, ...(options.hint === undefined ? {} : { hint: options.hint }) });
    this.kind = kind;
    this.retryable = options.retryable ?? RETRYABLE.has(kind);
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.partial = options.partial;
  }

  get fatal(): boolean {
    return FATAL.has(this.kind) || (this.kind === "unreachable" && !this.retryable);
  }

  get ofTheAnswer(): boolean {
    return OF_THE_ANSWER.has(this.kind);
  }
}

/** The words and codes in an error body, whatever its shape: a string, an object, or text that is no JSON. */
export function errorText(body: unknown): { message: string; code: string } {
  if (typeof body === "string") return { message: body.trim().slice(0, 500), code: "" };
  if (typeof body !== "object" || body === null) return { message: "", code: "" };
  const field = (name: string): unknown => Object.entries(body).find(([key]) => key === name)?.[1];
  const inner = field("error");
  if (inner !== undefined && inner !== null && inner !== body) {
    const text = errorText(inner);
    if (text.message) return text;
  }
  const message = field("message") ?? field("detail");
  return {
    message: typeof message === "string" ? message.trim().slice(0, 500) : JSON.stringify(body).slice(0, 500),
    code: [field("code"), field("type")].filter((part) => part !== undefined && part !== null).join(" "),
  };
}

/** How a server said no, as far as known. */
export interface Refusal {
  /** For the user; without credentials. */
  readonly server: string;
  readonly model: string;
  /** Absent where the error came inside a stream. */
  readonly status?: number;
  readonly retryAfter?: string | null;
  readonly body: unknown;
}

/**
 * Reads a server's refusal. The words decide before the status does, since LM Studio answers 200 to unknown routes and
 * reports fatal errors inside a 200 stream.
 */
export function refusal({ server, model, status, retryAfter, body }: Refusal, now = Date.now()): ChatError {
  const { message, code } = errorText(body);
  const said = message ? `: ${message}` : status === undefined ? "" : `: status ${status}`;
  const words = `${message} ${code}`;
  const fault = (kind: ChatFault, text: string, hint?: string, retryable?: boolean) => {
    const retryAfterMs = retryDelay(retryAfter, now);
    return new ChatError(kind, `${text}${said}`, {
      ...(hint === undefined ? {} : { hint }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(retryable === undefined ? {} : { retryable }),
      ...(status === undefined ? {} : { status }),
    });
  };
  if (/unexpected endpoint|unknown (?:route|endpoint)/i.test(words)) {
    return fault("not_found", `${server} knows no chat endpoint`, "Check --lmstudio-url; it should end before /v1.");
  }
  if (status === 401 || status === 403 || /invalid_api_key|unauthori[sz]ed|api key|api token/i.test(words)) {
    return fault("unauthorized", `${server} refuses the request without a valid token`, "Set LM_API_TOKEN.");
  }
  if (
    /n_keep|n_ctx|exceed_context|context (?:length|size|window|overflow)|maximum context|too many tokens/i.test(words)
  ) {
    return fault(
      "context_overflow",
      `The request is longer than the context of "${model}"`,
      "Load the model with a longer context, or make smaller chunks.",
    );
  }
  if (
    /no models? (?:is |are )?loaded|failed to load model|model_not_found|not ?found ?error/i.test(words) ||
    /model\b.*\b(?:not found|does not exist|unknown)/i.test(words)
  ) {
    return fault("no_model", `${server} has no model "${model}" to answer with`, modelHint(model));
  }
  if (
    /response_format|json_schema|json_object|structured output|guided|grammar/i.test(words) &&
    !(status && status >= 500)
  ) {
    return fault("schema_unsupported", `"${model}" on ${server} takes no JSON schema`);
  }
  if (status === 429 || /rate.?limit|too many requests/i.test(words)) {
    return fault("rate_limited", `${server} is asked too often`, "Lower --concurrency.");
  }
  if (/jinja|chat template/i.test(words)) {
    return fault("bad_request", `"${model}" cannot take these messages`, "Try another model.");
  }
  if (status === 404) return fault("not_found", `${server} knows no chat endpoint`, "Check --lmstudio-url.");
  if (/invalid_request/i.test(code) || status !== undefined && status >= 400 && status < 500 && status !== 408) {
    return fault("bad_request", `${server} refuses the request`);
  }
  return fault("server", `${server} failed`);
}

export function modelHint(model: string): string {
  return `Load it in LM Studio or by \`lms load ${model}\`, or name another with --lmstudio-model.`;
}

/** `Retry-After`, seconds or a date, as milliseconds. */
function retryDelay(value: string | null | undefined, now: number): number | undefined {
  if (!value) return undefined;
  const ms = /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/**
 * What kept a request from reaching the server at all; speaks of LM Studio where the address has its port.
 *
 * @param server Its address, as shown.
 * @param option Whether `--lmstudio-url` names it.
 */
export function unreachable(server: string, cause: unknown, option = true): ChatError {
  const words = causes(cause).join(" ");
  if (/NotCapable|Requires net access/i.test(words)) {
    return new ChatError("unreachable", `Cannot reach ${server}: this task may not use that host`, {
      hint: `Run it with --allow-net=${server.replace(/^https?:\/\//, "").replace(/\/.*$/, "")}.`,
      cause,
      retryable: false,
    });
  }
  if (
    !/refused/i.test(words) && /reset|closed|broken pipe|unexpected (?:end|eof)|incomplete|reading a body/i.test(words)
  ) {
    return new ChatError("server", `${server} broke the connection off`, { cause });
  }
  const why = /refused/i.test(words)
    ? "connection refused"
    : /dns|resolve|not known|getaddrinfo/i.test(words)
    ? "the name is not known"
    : /certificate|tls|ssl/i.test(words)
    ? "no secure connection"
    : /timed? ?out/i.test(words)
    ? "no answer in time"
    : (causes(cause).at(-1) ?? "no connection");
  const lmstudio = URL.parse(server)?.port === String(LMSTUDIO_PORT);
  const start = lmstudio ? "Start the server in LM Studio (Developer tab) or by `lms server start`" : "Start it there";
  return new ChatError("unreachable", `Cannot reach ${lmstudio ? "LM Studio" : "the server"} at ${server}: ${why}`, {
    hint: `${start}, or ${option ? "pass another --lmstudio-url" : "name the address of another one"}.`,
    cause,
  });
}

function causes(error: unknown): string[] {
  const list: string[] = [];
  for (let at = error; at instanceof Error && list.length < 6; at = at.cause) list.push(`${at.name}: ${at.message}`);
  return list;
}
