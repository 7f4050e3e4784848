import type { Pov } from "@/evaluation/pov.ts";
import type { Scene } from "@/evaluation/scenes.ts";

/** A passage with the labels that its writer gave it. */
export interface LabelledPassage {
  readonly pov: Pov;
  readonly scene: Scene;
  readonly text: string;
}

/** The passages of testdata/passages.md. */
export async function labelledPassages(): Promise<LabelledPassage[]> {
  const file = await Deno.readTextFile(new URL("testdata/passages.md", import.meta.url));
  return file.split(/^## /m).slice(1).map((block) => {
    const end = block.indexOf("\n");
    const [pov, scene] = block.slice(0, end).split(" ") as [Pov, Scene];
    return { pov, scene, text: block.slice(end).trim() };
  });
}
