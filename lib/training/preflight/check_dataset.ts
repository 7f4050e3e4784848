/** The dataset as it lies in its file: every row's shape, its roles and their order, what is empty, what comes twice. */
import { z } from "zod";
import { UserError } from "../../core/errors.ts";
import { count } from "../../core/format.ts";
import { readLines } from "../../core/jsonl.ts";
import { ChatMessage } from "../../records.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

/** A usable row, and where it stands. */
export interface PlacedRow {
  /** From 1. */
  readonly line: number;
  readonly messages: readonly ChatMessage[];
}

/** A file of examples: its usable rows, and what is wrong with the others, by kind of fault. */
export interface DatasetSurvey {
  readonly path: string;
  readonly rows: readonly PlacedRow[];
  /** Lines that hold something. */
  readonly lines: number;
  readonly faults: ReadonlyMap<Fault, readonly Offender[]>;
  /** Set where the file cannot be read at all. */
  readonly unreadable?: string;
}

interface Offender {
  readonly line: number;
  readonly detail?: string;
}

type Fault = keyof typeof FAULTS;

/** What may be wrong with a row, in the order in which it is told. `warns`: the row can be trained on all the same. */
const FAULTS = {
  torn: { says: "the last line was torn off: it is left out", mend: "Run the step that writes this file again." },
  json: { says: "No JSON", mend: "One JSON object a line is needed; rewrite these lines, or leave them out." },
  shape: {
    says: 'No list "messages" of {role, content}',
    mend: "Write ChatML rows; `deno task gate` does, and other forms can be converted.",
  },
  role: {
    says: "A role other than system, user, assistant",
    mend: "Name the roles so: ShareGPT's human and gpt are user and assistant.",
  },
  order: {
    says: "An order of roles that no template knows",
    mend: "At most one system message, first; then user and assistant in turn, the assistant last.",
  },
  empty: { says: "An empty message", mend: "Leave these rows out: a model would learn to say nothing." },
  damaged: {
    says: "Signs that a wrong decoding left (U+FFFD)",
    mend: "Read the sources in their own encoding and make the dataset anew.",
    warns: true,
  },
  repeated: {
    says: "The conversation of an earlier row",
    mend: "Leave the repetitions out: they count double in training.",
    warns: true,
  },
} as const satisfies Record<string, { says: string; mend: string; warns?: boolean }>;

/** Offenders that a finding names. */
const NAMED = 3;

const Row = z.looseObject({ messages: z.array(z.looseObject({ role: z.string(), content: z.string() })).min(1) });

/** Reads a file of examples to its end, whatever is wrong with it. */
export async function surveyRows(path: string, signal?: AbortSignal): Promise<DatasetSurvey> {
  const rows: PlacedRow[] = [];
  const faults = new Map<Fault, Offender[]>();
  const seen = new Map<string, number>();
  let lines = 0;
  const tell = (fault: Fault, line: number, detail?: string) => {
    faults.set(fault, [...(faults.get(fault) ?? []), detail === undefined ? { line } : { line, detail }]);
  };
  try {
    for await (const { bytes, number, ended } of readLines(path, signal)) {
      const text = new TextDecoder().decode(bytes);
      if (text.trim() === "") continue;
      lines++;
      const row = parsed(text);
      if (row === undefined) {
        tell(ended ? "json" : "torn", number);
        continue;
      }
      const found = Row.safeParse(row);
      if (!found.success) {
        tell("shape", number);
        continue;
      }
      const messages = found.data.messages;
      const roles = messages.map(({ role }) => role);
      const stranger = roles.find((role) => !ChatMessage.shape.role.safeParse(role).success);
      if (stranger !== undefined) {
        tell("role", number, stranger.slice(0, 20));
        continue;
      }
      const wrong = orderFault(roles);
      const empty = messages.find(({ content }) => content.trim() === "");
      if (wrong) tell("order", number, wrong);
      if (empty) tell("empty", number, empty.role);
      if (wrong || empty) continue;
      const known = ChatMessage.array().parse(messages);
      if (text.includes("\ufffd")) tell("damaged", number);
      const key = JSON.stringify(known.map(({ role, content }) => [role, content]));
      const first = seen.get(key);
      if (first === undefined) seen.set(key, number);
      else tell("repeated", number, `as line ${first}`);
      rows.push({ line: number, messages: known });
    }
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { path, rows: [], lines: 0, faults: new Map(), unreadable: thrown.message };
  }
  return { path, rows, lines, faults };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, "")) ?? null;
  } catch {
    return undefined;
  }
}

/** What is wrong with the order of roles, or undefined. */
function orderFault(roles: readonly string[]): string | undefined {
  const turns = roles[0] === "system" ? roles.slice(1) : roles;
  if (turns.includes("system")) return "system after the beginning";
  if (turns.length === 0) return "nothing but a system message";
  if (turns[0] !== "user") return "begins with the assistant";
  if (turns.some((role, i) => i > 0 && role === turns[i - 1])) {
    return `two of ${turns.find((r, i) => r === turns[i - 1])} in a row`;
  }
  return turns.at(-1) === "assistant" ? undefined : "ends with the user";
}

/** What is to be said of a file of examples. @param name What it is for: `training`. */
export function checkDataset(survey: DatasetSurvey, name: string): Finding[] {
  const { path, rows, lines, faults, unreadable } = survey;
  if (unreadable !== undefined) {
    return [
      error("dataset", unreadable, "Name the file by --dataset, or make it: `deno task generate`, then `split`."),
    ];
  }
  const findings: Finding[] = [];
  for (const [fault, { says, mend, ...more }] of Object.entries(FAULTS)) {
    const found = faults.get(fault as Fault) ?? [];
    if (found.length === 0) continue;
    const places = found.slice(0, NAMED).map(({ line, detail }) => `${path}:${line}${detail ? ` (${detail})` : ""}`);
    const rest = found.length > NAMED ? ` and ${count(found.length - NAMED)} more` : "";
    const message = fault === "torn"
      ? `${path}:${found[0]?.line}: ${says}`
      : `${says} in ${count(found.length)} of ${count(lines)} ${name} rows: ${places.join(", ")}${rest}`;
    const level = "warns" in more || fault === "torn" ? warning : error;
    findings.push(level("dataset", message, mend, {
      facts: { rows: found.length, first_line: found[0]?.line ?? 0 },
    }));
  }
  if (rows.length === 0 && findings.every(({ level }) => level !== "error")) {
    findings.push(error("dataset", `"${path}" holds no ${name} examples`, "Look into its _rejects.jsonl for why."));
  }
  const turns = rows.reduce((sum, { messages }) => sum + messages.filter(({ role }) => role === "assistant").length, 0);
  if (findings.length === 0) {
    findings.push(
      ok("dataset", `${count(rows.length)} ${name} examples with ${count(turns)} answers in "${path}"`, {
        facts: { rows: rows.length, answers: turns },
      }),
    );
  }
  return findings;
}
