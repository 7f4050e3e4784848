"""Conversations into rows of tokens, each with the tokens that are learnt.

The rules are those of lib/training/template.ts, which shows them before a training: between a template's own
{% generation %} marks, else from the end of each prompt to the end of the answer that follows it. So every template will
do, and the base's own is never changed.
"""

import json
import re

import numpy as np

MARKED = re.compile(r"\{%-?\s*generation\s*-?%\}")
IGNORED = -100


class NoMask(Exception):
    """It cannot be told which tokens are learnt."""


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def tokenize(messages, tokenizer, train_on):
    """Ids of a conversation and, for each, whether it is learnt."""
    template = tokenizer.get_chat_template()
    if train_on == "all":
        ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
        return ids, [True] * len(ids)
    if MARKED.search(template):
        found = tokenizer.apply_chat_template(
            messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        return found["input_ids"], [bool(bit) for bit in found["assistant_masks"]]
    text, spans = learnt_spans(messages, tokenizer)
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    learnt = [
        any(start < to and max(end, start + 1) > begin for begin, to in spans) for start, end in found["offset_mapping"]
    ]
    return found["input_ids"], learnt


def learnt_spans(messages, tokenizer):
    """A conversation as text, and where its answers lie in it."""

    def render(part, prompt=False):
        return tokenizer.apply_chat_template(part, tokenize=False, add_generation_prompt=prompt)

    text = render(messages)
    spans = []
    for at, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        prompt = render(messages[:at], prompt=True)
        answered = text if at == len(messages) - 1 else render(messages[: at + 1])
        if not answered.startswith(prompt) or not text.startswith(answered.rstrip()):
            raise NoMask("the chat template writes a prompt otherwise once it has been answered")
        spans.append((len(prompt), min(len(answered), len(text))))
    return text, spans


def prepare(path, tokenizer, recipe, drop):
    """The dataset of a file: columns input_ids and labels. `drop(reason, id, detail, row)` is told of every row that is cut
    or left out."""
    from datasets import Dataset

    longest = recipe["maxSeqLength"]
    columns = {"input_ids": [], "labels": []}
    for row in read_rows(path):
        ids, learnt = tokenize(row["messages"], tokenizer, recipe["trainOn"])
        if len(ids) > longest:
            drop("truncated", row["id"], f"{len(ids)} tokens, {longest} are kept", row)
        labels = [token if mark else IGNORED for token, mark in zip(ids[:longest], learnt)]
        # The first token is predicted from nothing.
        if all(label == IGNORED for label in labels[1:]):
            drop("no_trained_tokens", row["id"], f"of {len(ids)} tokens none is learnt", row)
            continue
        columns["input_ids"].append(np.array(ids[:longest], dtype=np.int32))
        columns["labels"].append(np.array(labels, dtype=np.int32))
    return Dataset.from_dict(columns)


def pack(dataset, recipe):
    from trl import pack_dataset

    return pack_dataset(dataset, recipe["maxSeqLength"], "bfd")
