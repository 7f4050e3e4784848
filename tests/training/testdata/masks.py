"""Prints, by template, what is learnt of a conversation; and what is cut or left out of rows."""

import json
import sys
from pathlib import Path

LIB, BASE, FOLDER = map(Path, sys.argv[1:4])
sys.path.insert(0, str(LIB))

import training_data  # noqa: E402
import trl  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

MESSAGES = [
    {"role": "system", "content": "You keep the plan."},
    {"role": "user", "content": "What of the wheat? — “Höhe”"},
    {"role": "assistant", "content": "It grows.\nSlowly."},
    {"role": "user", "content": "And then?"},
    {"role": "assistant", "content": "Then we — eat it."},
]
templates = Path(trl.__file__).parent / "chat_templates"
tokenizer = AutoTokenizer.from_pretrained(BASE)
own = tokenizer.chat_template


def learnt(template, messages=MESSAGES, train_on="assistant"):
    tokenizer.chat_template = template
    ids, marks = training_data.tokenize(messages, tokenizer, train_on)
    assert ids == tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    spans, last = [], False
    for token, mark in zip(ids, marks):
        if mark and not last:
            spans.append([])
        if mark:
            spans[-1].append(token)
        last = mark
    return [tokenizer.decode(span) for span in spans]


def text(name):
    return (templates / name).read_text(encoding="utf-8")


plain = own.replace("{%- generation %}", "").replace("{%- endgeneration %}", "")
found = {
    "marked": learnt(own),
    "plain": learnt(plain),
    "qwen": learnt(text("qwen2_5.jinja")),
    "qwen of TRL": learnt(text("qwen2_5_training.jinja")),
    "llama": learnt(text("llama3_1.jinja")),
    "all": learnt(plain, train_on="all"),
}
# A template that rewrites what was said.
rewriting = "{% for m in messages %}{{ m.role }}{{ loop.length }}:{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant0:{% endif %}"
try:
    learnt(rewriting)
except training_data.NoMask as error:
    found["rewriting"] = str(error)

tokenizer.chat_template = own
long = [MESSAGES[0], MESSAGES[1], {"role": "assistant", "content": "We go on. " * 40}]
unheard = [{"role": "system", "content": "Long. " * 60}, *MESSAGES[1:3]]
rows = FOLDER / "rows.jsonl"
entries = [MESSAGES, long, unheard, MESSAGES[:3]]
rows.write_text("".join(json.dumps({"id": f"d:{at}", "messages": row}) + "\n" for at, row in enumerate(entries, 1)))
drops = []
recipe = {"maxSeqLength": 90, "trainOn": "assistant"}
dataset = training_data.prepare(rows, tokenizer, recipe, lambda reason, name, *_: drops.append([reason, name]))
found["drops"] = drops
found["lengths"] = [len(row["input_ids"]) for row in dataset]
packed = training_data.pack(dataset, recipe)
found["packed"] = sorted(length for row in packed["seq_lengths"] for length in row)
found["learnt after packing"] = sum(label != -100 for row in packed["labels"] for label in row)
found["learnt before packing"] = sum(label != -100 for row in dataset["labels"] for label in row)
print(json.dumps(found))
