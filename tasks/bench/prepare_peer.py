"""Prepares chunks as the benchmark's other side: the plain way in Python, with re, json and Hugging Face's tokenizers.

Run as: python prepare_peer.py train TEXT FOLDER          makes a byte-level tokenizer as Llama 3 has one
        python prepare_peer.py prepare CHUNKS OUT FOLDER  prints one JSON line: seconds, cpu_seconds, examples, tokens

The same job as the step `gaea:prepare`: each chunk cut at the sentence end nearest to 7.5 % of it, told by the usual regular
expression; tokens counted by the chat template; near-duplicate spans looked for; 90 : 10 by seed; JSON Lines written.
Without `tokenizers` it prepares all the same and counts nothing.
"""

import json
import os
import random
import re
import sys
import time

SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!\b[A-Z])[.!?…]+[\"'”’)\]*_]*(?=\s)")
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEMPLATE = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>\n"
SPAN = 13


def train(text, folder):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA_3), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=32000,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    with open(text, encoding="utf-8") as file:
        tokenizer.train_from_iterator(file, trainer)
    os.makedirs(folder, exist_ok=True)
    tokenizer.save(os.path.join(folder, "tokenizer.json"))


def cut(text):
    middle = len(text) * 0.075
    ends = [match.end() for match in SENTENCE_END.finditer(text, 0, int(len(text) * 0.2))]
    return min(ends, key=lambda end: abs(end - middle)) if ends else None


def prepare(chunks, out, folder):
    began, cpu = time.perf_counter(), time.process_time()
    tokenizer = None
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    except Exception:
        pass
    rows, seen, most, tokens = [], {}, 0, 0
    for name in sorted(os.listdir(chunks)):
        with open(os.path.join(chunks, name), encoding="utf-8") as file:
            text = file.read()
        end = cut(text)
        if end is None:
            continue
        prefix, completion = text[:end], text[end:]
        if tokenizer is not None:
            count = len(tokenizer.encode(TEMPLATE.format(prefix, completion), add_special_tokens=False).ids)
            tokens, most = tokens + count, max(most, count)
        words = re.findall(r"\w+", text.lower())
        for at in range(len(words) - SPAN + 1):
            seen.setdefault(hash(tuple(words[at : at + SPAN])), name)
        rows.append({"messages": [{"role": "user", "content": prefix}, {"role": "assistant", "content": completion}]})
    order = list(range(len(rows)))
    random.Random(1969).shuffle(order)
    held = set(order[: max(1, len(rows) // 10)])
    for path, wanted in ((out, False), (out + ".val", True)):
        with open(path, "w", encoding="utf-8") as file:
            for at, row in enumerate(rows):
                if (at in held) == wanted:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - began,
                "cpuSeconds": time.process_time() - cpu,
                "examples": len(rows),
                "tokens": tokens,
            }
        )
    )


if sys.argv[1] == "train":
    train(sys.argv[2], sys.argv[3])
else:
    prepare(sys.argv[2], sys.argv[3], sys.argv[4])
