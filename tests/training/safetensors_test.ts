import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { hasNonFinite, isZero, modelFiles, readModel, readSafetensors, tensorBlocks } from "@/training/safetensors.ts";
import { withFolder } from "../fakes/folder.ts";
import { floats, toBf16, writeSafetensors } from "../fakes/safetensors.ts";

const bytes = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);

Deno.test("a file's tensors are read by name, with shape, type and numbers", () =>
  withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    await writeSafetensors(path, { b: floats([2, 3], (at) => at), a: floats([1], () => -1) });
    const tensors = await readSafetensors(path);
    deepEqual([...tensors.keys()], ["b", "a"]);
    const { shape, dtype } = tensors.get("b") ?? {};
    deepEqual([shape, dtype], [[2, 3], "F32"]);
    const tensor = tensors.get("a");
    ok(tensor);
    const [block] = await Array.fromAsync(tensorBlocks(tensor));
    deepEqual(block, bytes(-1));
  }));

Deno.test("a file that is cut short, or is none, is refused in a sentence", () =>
  withFolder(async (folder) => {
    const path = join(folder, "model.safetensors");
    await writeSafetensors(path, { a: floats([4], () => 1) });
    const whole = await Deno.readFile(path);
    const cases: [string, Uint8Array, RegExp][] = [
      ["numbers missing", whole.slice(0, -4), /has \d+ bytes and should have \d+/],
      ["numbers added", new Uint8Array([...whole, 0]), /has \d+ bytes and should have \d+/],
      ["header cut", whole.slice(0, 20), /ends within its header/],
      ["empty", new Uint8Array(), /not a safetensors file/],
      ["text", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1"), /not a safetensors file/],
      ["another shape", replaceText(whole, '"shape":[4]', '"shape":[5]'), /"a" has 16 bytes and should have 20/],
      ["another place", replaceText(whole, "[0,16]", "[4,16]"), /not where they should be/],
    ];
    for (const [name, content, message] of cases) {
      await Deno.writeFile(path, content);
      await rejects(readSafetensors(path), message, name);
    }
    await rejects(readSafetensors(join(folder, "none")), /no such file/);
    await rejects(readSafetensors(folder), /is a folder/);
  }));

function replaceText(content: Uint8Array, from: string, to: string): Uint8Array {
  const latin = Array.from(content, (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(latin.replace(from, to), (character) => character.charCodeAt(0));
}

Deno.test("a model in several files must agree with its index", () =>
  withFolder(async (folder) => {
    await writeSafetensors(join(folder, "model-1.safetensors"), { a: floats([1], () => 1) });
    await writeSafetensors(join(folder, "model-2.safetensors"), { b: floats([1], () => 1) });
    const index = (map: Record<string, string>) =>
      Deno.writeTextFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
    await index({ a: "model-1.safetensors", b: "model-2.safetensors" });
    deepEqual(await modelFiles(folder), ["model-1.safetensors", "model-2.safetensors"]);
    deepEqual([...(await readModel(folder)).keys()], ["a", "b"]);
    await index({ a: "model-2.safetensors", b: "model-2.safetensors" });
    await rejects(readModel(folder), /index and its files differ in "a"/);
    await index({ a: "../model-1.safetensors" });
    await rejects(readModel(folder), /no index of safetensors/);
  }));

Deno.test("a folder without safetensors says what it holds instead", () =>
  withFolder(async (folder) => {
    await rejects(modelFiles(folder), /no model.safetensors/);
    await Deno.writeTextFile(join(folder, "pytorch_model.bin"), "");
    await rejects(modelFiles(folder), (error: Error & { hint?: string }) => /pickled/.test(error.hint ?? ""));
  }));

Deno.test("NaN and infinity are seen in every type of float, large and subnormal numbers are none", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    ok(hasNonFinite("F32", bytes(1, bad)));
    ok(hasNonFinite("BF16", new Uint8Array(toBf16(bytes(1, bad)))));
    ok(hasNonFinite("F64", new Uint8Array(Float64Array.of(1, bad).buffer)));
  }
  ok(hasNonFinite("F16", new Uint8Array(Uint16Array.of(0x3c00, 0x7c00).buffer)));
  ok(!hasNonFinite("F16", new Uint8Array(Uint16Array.of(0x7bff, 0x0001).buffer)));
  ok(!hasNonFinite("F32", bytes(3.4e38, -3.4e38, 1e-45)));
  ok(!hasNonFinite("F64", new Uint8Array(Float64Array.of(1.7e308, 5e-324).buffer)));
});

Deno.test("zeros are zeros of either sign", () => {
  ok(isZero("F32", bytes(0, -0, 0)));
  ok(!isZero("F32", bytes(0, 1e-45)));
  ok(isZero("BF16", new Uint8Array(toBf16(bytes(0, -0)))));
  equal(isZero("I32", new Uint8Array(Int32Array.of(0, -2147483648).buffer)), false);
});
