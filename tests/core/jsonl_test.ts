import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "@/core/errors.ts";
import { createJsonl, readJsonl, writeJsonl } from "@/core/jsonl.ts";
import { withFolder } from "../fakes/folder.ts";

const Row = z.object({ n: z.number() });

async function read(content: string | Uint8Array, onTorn?: (line: number) => void): Promise<{ n: number }[]> {
  return await withFolder(async (folder) => {
    const path = join(folder, "rows.jsonl");
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return await Array.fromAsync(readJsonl(path, Row, onTorn ? { onTorn } : {}));
  });
}

Deno.test("readJsonl reads CRLF, blank lines and a byte order mark", async () => {
  deepEqual(await read('\ufeff{"n":1}\r\n\r\n{"n":2}'), [{ n: 1 }, { n: 2 }]);
});

Deno.test("readJsonl skips a torn last line and tells its number", async () => {
  const torn: number[] = [];
  deepEqual(await read('{"n":1}\n{"n"', (line) => torn.push(line)), [{ n: 1 }]);
  deepEqual(torn, [2]);
});

Deno.test("readJsonl skips a last line that was torn within a character", async () => {
  deepEqual(await read(new Uint8Array([...new TextEncoder().encode('{"n":1}\n{"n":"'), 0xc3])), [{ n: 1 }]);
});

Deno.test("readJsonl names file and line of what is not JSON, of another shape, NUL or not UTF-8", async () => {
  await rejects(read('{"n":1}\nnope\n'), /rows\.jsonl:2": the line is not JSON/);
  await rejects(read('{"n":"one"}\n'), /rows\.jsonl:1": the row has another shape: "n": /);
  await rejects(read('{"n":1}\n\0\0\n'), /rows\.jsonl:2": the line holds NUL bytes/);
  await rejects(read(new Uint8Array([0xff, 0x0a])), /rows\.jsonl:1": the line is not UTF-8/);
});

Deno.test("readJsonl reads a line of 50 MB", async () => {
  const rows = await read(`{"n":1,"pad":"${"x".repeat(50_000_000)}"}\n{"n":2}\n`);
  deepEqual(rows, [{ n: 1 }, { n: 2 }]);
});

Deno.test("readJsonl says that a file is missing or a folder", async () => {
  await withFolder(async (folder) => {
    await rejects(Array.fromAsync(readJsonl(join(folder, "none.jsonl"), Row)), (error: UserError) => {
      match(error.message, /there is no such file/);
      equal(error.exitCode, 1);
      return true;
    });
    await rejects(Array.fromAsync(readJsonl(folder, Row)), /it is a folder, not a file/);
  });
});

Deno.test("createJsonl leaves nothing behind when it is not committed", async () => {
  await withFolder(async (folder) => {
    {
      await using out = await createJsonl(join(folder, "out.jsonl"));
      await out.write({ n: 1 });
    }
    deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("createJsonl keeps the old file until the new one is whole", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "out.jsonl");
    await writeJsonl(path, [{ n: 1 }]);
    await using out = await createJsonl(path);
    await out.write({ n: 2 });
    equal(await Deno.readTextFile(path), '{"n":1}\n');
    equal(await out.commit(), 1);
    equal(await Deno.readTextFile(path), '{"n":2}\n');
  });
});

Deno.test("createJsonl refuses a path whose parent is a file", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    await rejects(createJsonl(join(folder, "file", "out.jsonl")), UserError);
  });
});
