import { dirname, join } from "node:path";
import { z } from "zod";
import { beside, dataDir, presetPath } from "../core/paths.ts";

export const alignOptions = z.object({
  input: z.string().optional().describe(
    "Passages on theme, JSON Lines; default: <data-dir>/theme_chunks/filtered.jsonl",
  ),
  output: z.string().optional().describe(
    "The same with their alignment; default: <data-dir>/theme_chunks/aligned.jsonl. Figures go beside it, to …_stats.json",
  ),
  themes: z.string().optional().describe("Themes; default: lib/presets/deepred/themes.jsonc"),
  embedder: z.string().min(1).default("Xenova/all-MiniLM-L6-v2").describe(
    'What makes the embeddings: a model of the Hugging Face hub in ONNX, a folder that holds one, or "server" for LM Studio',
  ),
  embeddingModel: z.string().min(1).optional().describe(
    "With --embedder server: its embedding model; default: the one that is loaded, else the first that it lists",
  ),
  lmstudioUrl: z.string().optional().describe(
    "Address of the server; default: host and port, else http://localhost:1234",
  ),
  lmstudioHost: z.string().optional().describe("Host of the server; default: $LMSTUDIO_HOST, else localhost"),
  lmstudioPort: z.int().min(1).max(65535).optional().describe("Port of the server; default: $LMSTUDIO_PORT, else 1234"),
  batchSize: z.int().min(1).max(1024).optional().describe(
    "Passages that are embedded together; default: 8, with a server 32",
  ),
  minAlignment: z.number().min(-1).max(1).optional().describe(
    "Leave out passages whose highest alignment is lower; 0 is everyday prose, 0.4 is near a theme. Default: keep all",
  ),
  minMatches: z.number().min(0).default(3).describe(
    "For the comparison, where the input was not filtered: the score from which the step filter keeps a passage",
  ),
  compare: z.int().min(0).max(100_000).default(300).describe(
    "For the comparison: how many of the passages that the keyword filter left out are embedded too; 0: none",
  ),
  chunks: z.string().optional().describe(
    "For the comparison: all passages, those left out too; default: chunks.jsonl beside the input, where it is",
  ),
  cacheDir: z.string().optional().describe(
    "Embeddings and models from the hub; default: embeddings in the cache folder",
  ),
  dataDir: z.string().optional().describe("Data root; default: $GUTENBERG_DATA, else ./data"),
});
export type AlignOptions = z.output<typeof alignOptions>;

/** Every file of a run; companions are named after the output. */
export function alignPaths(given: AlignOptions, env: Readonly<Record<string, string>>) {
  const folder = join(dataDir(given.dataDir, env), "theme_chunks");
  const input = given.input ?? join(folder, "filtered.jsonl");
  const output = given.output ?? join(folder, "aligned.jsonl");
  return {
    input,
    output,
    themes: given.themes ?? presetPath("deepred/themes.jsonc"),
    chunks: given.chunks ?? join(dirname(input), "chunks.jsonl"),
    rejects: beside(output, "_rejects.jsonl"),
    statsFile: beside(output, "_stats.json"),
  };
}

export type AlignPaths = ReturnType<typeof alignPaths>;
