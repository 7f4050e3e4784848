"""The same measures by well-known Python packages: reads one JSON object from standard input, prints one.

scipy (distances), lexicalrichness (diversity), faststylometry (Burrows' Delta), numpy where there is only a formula.
"""

import json
import sys

import numpy as np
from faststylometry import Corpus, calculate_burrows_delta
from lexicalrichness import LexicalRichness
from scipy.spatial.distance import cityblock, cosine, jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance


def log_odds(first, second, prior_words):
    """Monroe, Colaresi and Quinn 2008, equations 16 and 22, over whole arrays."""
    a, b = np.array(first["counts"], float), np.array(second["counts"], float)
    prior = prior_words * (a + b) / (first["words"] + second["words"])
    left = np.log((a + prior) / (first["words"] + prior_words - a - prior))
    right = np.log((b + prior) / (second["words"] + prior_words - b - prior))
    return ((left - right) / np.sqrt(1 / (a + prior) + 1 / (b + prior))).tolist()


def burrows(train, test, words):
    """By faststylometry: train texts of one author each, and one text in question."""
    corpora = []
    for texts in (train, {"query": test}):
        corpus = Corpus()
        for author, tokens in texts.items():
            corpus.add_book(author, "book", " ".join(tokens))
        corpus.tokens = [tokens for tokens in texts.values()]
        corpora.append(corpus)
    table = calculate_burrows_delta(corpora[0], corpora[1], vocab_size=words)
    return {author: float(table.loc[author].iloc[0]) for author in train}, corpora[0].top_tokens


given = json.load(sys.stdin)
x, y = given["lengths"]
p, q = given["marks"]
u, v = (np.array(row) for row in given["scores"])
words = LexicalRichness(" ".join(given["words"]), preprocessor=None, tokenizer=str.split)
deltas, top = burrows(given["train"], given["test"], given["top"])
json.dump(
    {
        "wasserstein": wasserstein_distance(x, y),
        "kolmogorovSmirnov": float(ks_2samp(x, y).statistic),
        "jensenShannon": float(jensenshannon(p, q, base=2)),
        "cosine": float(cosine(u, v)),
        "burrows": float(cityblock(u, v) / len(u)),
        "argamon": float(np.linalg.norm(u - v) / len(u)),
        "mtld": words.mtld(threshold=0.72),
        "mattr": words.mattr(window_size=50),
        "logOdds": log_odds(*given["tallies"], given["prior"]),
        "deltas": deltas,
        "topTokens": top,
        "zMeanSd": [np.mean(given["columns"], axis=0).tolist(), np.std(given["columns"], axis=0, ddof=1).tolist()],
    },
    sys.stdout,
)
