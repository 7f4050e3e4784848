"""Counts and filters by theme as the benchmark's other side: the plain way in Python, with its own json and re.

Run as: python filter_peer.py THEMES.json CHUNKS.jsonl FILTERED.jsonl
THEMES.json maps each category to its patterns. Prints one JSON line: the seconds (of CPU) of counting alone, on texts
that are in memory already, and those (of the clock) of the whole job from file to file; chunks, kept ones, matches, and the texts' bytes.

One compiled alternation for each category, whole words, in any case; a chunk is kept from three matches on.
"""

import json
import re
import sys
import time

LEAST = 3


def compiled(path):
    with open(path, encoding="utf-8") as file:
        themes = json.load(file)
    return {name: re.compile(r"\b(?:" + "|".join(patterns) + r")\b", re.IGNORECASE) for name, patterns in themes.items()}


def count(themes, texts):
    total = 0
    for text in texts:
        for pattern in themes.values():
            for _ in pattern.finditer(text):
                total += 1
    return total


def keep(themes, source, target):
    kept = 0
    with open(source, encoding="utf-8") as chunks, open(target, "w", encoding="utf-8") as out:
        for line in chunks:
            row = json.loads(line)
            counts = {}
            matches = []
            for name, pattern in themes.items():
                spans = [match.span() for match in pattern.finditer(row["text"])]
                if spans:
                    counts[name] = len(spans)
                    matches += [{"category": name, "start": start, "end": end} for start, end in spans]
            if len(matches) < LEAST:
                continue
            row["keyword_counts"] = {**counts, "total": len(matches)}
            row["matches"] = matches
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            kept += 1
    return kept


def main(themes_path, source, target):
    themes = compiled(themes_path)
    with open(source, encoding="utf-8") as chunks:
        texts = [json.loads(line)["text"] for line in chunks]
    began = time.process_time()
    matches = count(themes, texts)
    counting = time.process_time() - began
    began = time.perf_counter()
    kept = keep(themes, source, target)
    print(
        json.dumps({
            "countSeconds": counting,
            "seconds": time.perf_counter() - began,
            "chunks": len(texts),
            "kept": kept,
            "matches": matches,
            "bytes": sum(len(text.encode()) for text in texts),
        })
    )


main(*sys.argv[1:])
