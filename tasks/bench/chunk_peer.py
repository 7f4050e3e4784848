"""Chunks works as the benchmark's other side: the plain way in Python, with its own json and re.

Run as: python chunk_peer.py WORKS.jsonl CHUNKS.jsonl
Prints one JSON line: seconds, chunks, bytes of the input.

The same job as the step `chunk` by paragraphs: never across a chapter; whole paragraphs, as many as fit in 1024
characters; a paragraph that alone is too long at the ends of sentences, told by the usual regular expression.
"""

import json
import re
import sys
import time

SIZE, LEAST = 1024, 128
SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!\b[A-Z])[.!?…]+[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])")


def pieces(text, start, end):
    while start < end:
        stop = text.find("\n\n", start, end)
        stop = end if stop < 0 else stop
        if stop - start <= SIZE:
            if stop > start:
                yield start, stop
        else:
            at = start
            for match in SENTENCE_END.finditer(text, start, stop):
                yield at, match.start() + len(match.group().rstrip())
                at = match.end()
            yield at, stop
        start = stop + 2


def passages(text, start, end):
    first = last = None
    for at, stop in pieces(text, start, end):
        if first is not None and stop - first > SIZE:
            yield first, last
            first = None
        if first is None:
            first = at
        last = stop
    if first is not None:
        yield first, last


def main(source, target):
    began = time.perf_counter()
    chunks = size = 0
    with open(source, encoding="utf-8") as works, open(target, "w", encoding="utf-8") as out:
        for line in works:
            work = json.loads(line)
            text = work["text"]
            index = 0
            for chapter in work["chapters"]:
                for start, end in passages(text, chapter["start"], chapter["end"]):
                    if end - start < LEAST:
                        continue
                    index += 1
                    row = {
                        "id": f"chunk_{work['id']}_{index:05}",
                        "text": text[start:end],
                        "source_id": work["id"],
                        "source_title": work["title"],
                        "author": work["author"],
                        "chapter": chapter["title"],
                        "start": start,
                        "end": end,
                    }
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
            chunks += index
        size = works.buffer.tell()
    print(json.dumps({"seconds": time.perf_counter() - began, "chunks": chunks, "bytes": size}))


main(*sys.argv[1:])
