"""Near-duplicates by datasketch, as the benchmark's other side.

Run as: python duplicates_peer.py TEXTS.jsonl   (lines of JSON strings)
Prints one JSON line: seconds by part, texts that have an earlier near-duplicate, peak memory.

The same job as lib/dialogue/minhash.ts: every text is looked up among the earlier ones, candidates are checked by exact
Jaccard similarity, then it is added. Same words, 5-grams, bands and rows. Given what its manual names for speed: a fast
hash (CRC-32 in C instead of SHA-1) and update_batch.
"""

import json
import re
import sys
import time
import unicodedata
import zlib

import datasketch

WIDTH, BANDS, ROWS, THRESHOLD = 5, 20, 5, 0.7
WORD = re.compile(r"\w+")
DROPPED = str.maketrans("", "", "'’ʼ")


def shingles(text):
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    words = WORD.findall(text.lower().translate(DROPPED).replace("_", " "))
    last = max(1, len(words) - WIDTH + 1)
    return {" ".join(words[at : at + WIDTH]).encode() for at in range(last)}


def peak_mb():
    """Most memory of this process so far. Where the system tells it, without what the parent held when it forked."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return int(re.search(r"^VmHWM:\s+(\d+) kB", status.read(), re.M)[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    sets, found = [], {}
    parts = {"shingles": 0.0, "signatures": 0.0, "index": 0.0, "check": 0.0}
    lsh = datasketch.MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    first = datasketch.MinHash(num_perm=BANDS * ROWS, hashfunc=zlib.crc32)
    begun, cpu = time.perf_counter(), time.process_time()
    for index, text in enumerate(texts):
        t0 = time.perf_counter()
        own = shingles(text)
        t1 = time.perf_counter()
        minhash = first.copy()
        minhash.update_batch(list(own))
        t2 = time.perf_counter()
        candidates = lsh.query(minhash)
        t3 = time.perf_counter()
        best, nearest = 0.0, None
        for other in sorted(candidates):
            shared = len(own & sets[other])
            similarity = shared / (len(own) + len(sets[other]) - shared)
            if similarity >= THRESHOLD and similarity > best:
                best, nearest = similarity, other
        t4 = time.perf_counter()
        if nearest is not None:
            found[index] = nearest
        lsh.insert(index, minhash, check_duplication=False)
        sets.append(own)
        t5 = time.perf_counter()
        parts["shingles"] += t1 - t0
        parts["signatures"] += t2 - t1
        parts["index"] += t3 - t2 + t5 - t4
        parts["check"] += t4 - t3
    report = {
        "seconds": time.perf_counter() - begun,
        "cpuSeconds": time.process_time() - cpu,
        "parts": parts,
        "found": found,
        "peakMb": peak_mb(),
        "version": datasketch.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
