/** The forms in which trainers read conversations, as their documentation describes them. */
import { basename } from "node:path";
import { UserError } from "../core/errors.ts";
import type { Example } from "../records.ts";

export const EXPORT_FORMATS = ["parquet", "sharegpt", "alpaca", "axolotl", "llama-factory"] as const;
export type ExportFormat = typeof EXPORT_FORMATS[number];

/** The speakers' names of the ShareGPT form. */
const SHAREGPT = { system: "system", user: "human", assistant: "gpt" } as const;

/**
 * A conversation in the ShareGPT form.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { shareGptRow } from "@/steps/export_formats.ts";
 *
 * deepEqual(shareGptRow({ messages: [{ role: "user", content: "Why?" }] }), {
 *   conversations: [{ from: "human", value: "Why?" }],
 * });
 * ```
 */
export function shareGptRow({ messages }: Example): { conversations: { from: string; value: string }[] } {
  return { conversations: messages.map(({ role, content }) => ({ from: SHAREGPT[role], value: content })) };
}

/**
 * One exchange in the Alpaca form: the question is the instruction, the answer the output; the system prompt has the
 * field that LLaMA-Factory and others added, and earlier exchanges have theirs.
 *
 * @throws {UserError} a conversation that does not go question, answer, question, answer.
 */
export function alpacaRow(
  { messages }: Example,
): { instruction: string; input: string; output: string; system: string; history?: [string, string][] } {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content).join("\n\n");
  const turns = messages.filter(({ role }) => role !== "system");
  const pairs: [string, string][] = [];
  for (let at = 0; at < turns.length; at += 2) {
    const [question, answer] = [turns[at], turns[at + 1]];
    if (question?.role !== "user" || answer?.role !== "assistant") {
      throw new UserError("Cannot export as Alpaca: a conversation does not go question, answer, question, answer", {
        hint: "ShareGPT, Axolotl and Parquet take any conversation.",
      });
    }
    pairs.push([question.content, answer.content]);
  }
  const [instruction = "", output = ""] = pairs.pop() ?? [];
  return { instruction, input: "", output, system, ...(pairs.length > 0 ? { history: pairs } : {}) };
}

/** Characters that need no escape in a name. */
function plain(name: string): string {
  return name.replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9_-]/g, "_");
}

/** The part of an Axolotl configuration that reads the file; JSON strings are YAML strings. */
export function axolotlEntry(path: string): string {
  return `# Put this into the configuration of \`axolotl train\`. The path is relative to where that is run.
datasets:
  - path: ${JSON.stringify(basename(path))}
    ds_type: json
    type: chat_template
    field_messages: messages
    message_property_mappings:
      role: role
      content: content
    # Deep Red's answers are learned, its questions are not.
    roles_to_train: ["assistant"]
    train_on_eos: turn
`;
}

/** The name under which LLaMA-Factory knows a data file. */
export function llamaFactoryName(path: string): string {
  return plain(basename(path));
}

/**
 * The file \`dataset_info.json\` that LLaMA-Factory looks for in its \`dataset_dir\`: one for all data files of a folder.
 *
 * @param others Entries that are in it already.
 */
export function llamaFactoryEntry(path: string, others: Readonly<Record<string, unknown>> = {}): string {
  const entry = {
    ...others,
    [llamaFactoryName(path)]: {
      file_name: basename(path),
      formatting: "sharegpt",
      columns: { messages: "messages" },
      tags: {
        role_tag: "role",
        content_tag: "content",
        user_tag: "user",
        assistant_tag: "assistant",
        system_tag: "system",
      },
    },
  };
  return JSON.stringify(entry, null, 2) + "\n";
}
