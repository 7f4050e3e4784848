"""The four channels of the transfer score as the benchmark's other side: the plain way, with NumPy and SciPy.

Run as: python style_peer.py TEXTS.json RESAMPLES
Counts each passage once, then draws passages with replacement and measures: cosine distance of z-scores of function words
and of character 3-grams, Wasserstein-1 of sentence lengths, Jensen-Shannon of punctuation. No z-scores of a background: mean
and deviation are those of all passages, which costs the same. Prints one JSON line: seconds of CPU and the score.
"""

import json
import re
import sys
import time

import numpy as np
from scipy.spatial.distance import cosine, jensenshannon
from scipy.stats import wasserstein_distance

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
SENTENCE = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)]*\s+")
MARKS = '.,;:?!\u2014\u2026"()*'


def count(text, words, trigrams):
    tokens = [token.lower() for token in WORD.findall(text)]
    function = np.zeros(len(words))
    for token in tokens:
        if token in words:
            function[words[token]] += 1
    low = re.sub(r"\s+", " ", text.lower())
    grams = np.zeros(len(trigrams))
    for at in range(len(low) - 2):
        place = trigrams.get(low[at:at + 3])
        if place is not None:
            grams[place] += 1
    lengths = [len(WORD.findall(sentence)) for sentence in SENTENCE.split(text)]
    marks = np.array([text.count(mark) for mark in MARKS], float)
    return {"n": len(tokens), "function": function, "grams": grams, "lengths": lengths, "marks": marks}


def draw(passages, random):
    picked = [passages[at] for at in random.integers(0, len(passages), len(passages))]
    n = sum(passage["n"] for passage in picked)
    return {
        "function": sum(passage["function"] for passage in picked) / n,
        "grams": sum(passage["grams"] for passage in picked) / n,
        "lengths": [length for passage in picked for length in passage["lengths"]],
        "marks": sum(passage["marks"] for passage in picked),
    }


def distances(x, y, scale):
    z = lambda side, part: (side[part] - scale[part][0]) / scale[part][1]
    return [
        cosine(z(x, "function"), z(y, "function")),
        cosine(z(x, "grams"), z(y, "grams")),
        wasserstein_distance(x["lengths"], y["lengths"]),
        jensenshannon(x["marks"], y["marks"], base=2),
    ]


def main(path, resamples):
    with open(path, encoding="utf-8") as file:
        texts = json.load(file)
    words = {word: at for at, word in enumerate(texts["words"])}
    trigrams = {trigram: at for at, trigram in enumerate(texts["trigrams"])}
    began = time.process_time()
    sides = {
        "base": [row["text"] for row in texts["base"]],
        "tuned": [row["text"] for row in texts["tuned"]],
        "hold": texts["author"]["hold"],
        "ref": texts["author"]["ref"],
    }
    counted = {name: [count(text, words, trigrams) for text in side] for name, side in sides.items()}
    scale = {}
    for part in ("function", "grams"):
        shares = np.array([passage[part] / passage["n"] for side in counted.values() for passage in side])
        deviation = shares.std(axis=0, ddof=1)
        scale[part] = (shares.mean(axis=0), np.where(deviation > 0, deviation, 1))
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(resamples):
        pools = {name: draw(side, random) for name, side in counted.items()}
        drawn.append([distances(pools[name], pools["ref"], scale) for name in ("base", "tuned", "hold")])
    base, tuned, hold = np.array(drawn).mean(axis=0)
    score = np.clip((base - tuned) / (base - hold), 0, 1).mean()
    print(json.dumps({"seconds": time.process_time() - began, "transfer": float(score)}))


main(sys.argv[1], int(sys.argv[2]))
