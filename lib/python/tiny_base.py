"""Makes a tiny base model out of sample texts: a SentencePiece tokenizer and a small Llama, trained for a few seconds on
the CPU. Called by lib/training/tiny_base.ts.

It is small, not fake: it goes through LoRA, merging, llama.cpp's converter, K-quants and llama-server as a real one does.
"""

import argparse
import io
import json
import os
import random
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import events

VOCABULARY = 1280
CONTEXT = 2048
WIDTH = 256  # The shortest row that K-quants take.
INNER = 512
BATCH, ROW = 8, 64

# ChatML. What the assistant says is marked, so that trainers can learn that alone.
TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'assistant' %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- generation %}{{- message['content'] + '<|im_end|>' }}{%- endgeneration %}"
    "{{- '\\n' }}"
    "{%- else %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)

QUESTIONS = [
    "What happened then?",
    "Tell me of the work.",
    "What did they see?",
    "What is to be done?",
    "How does the game go on?",
    "What is our purpose?",
]
SYSTEM = "You answer out of the old books."


def make_tokenizer(texts, folder):
    """tokenizer.model and, with the very same pieces, tokenizer.json; checks that both give the same ids."""
    import sentencepiece
    from transformers import LlamaTokenizer

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for text in texts for line in text.split("\n")),
        model_writer=model,
        model_type="bpe",  # As Llama's: pieces are joined in the order of their scores, as llama.cpp does it.
        vocab_size=VOCABULARY,
        byte_fallback=True,
        character_coverage=1.0,
        split_digits=True,
        # Text stays as it is: no space is put before it, none is taken away.
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        pad_piece="<pad>",
        control_symbols=["<|im_start|>", "<|im_end|>"],
        num_threads=1,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())

    ids = {pieces.id_to_piece(i): i for i in range(pieces.vocab_size())}
    merges = []
    for piece, i in sorted(ids.items(), key=lambda entry: -pieces.get_score(entry[1])):
        if pieces.is_control(i) or pieces.is_byte(i) or pieces.is_unknown(i):
            continue
        halves = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
        known = [pair for pair in halves if pair[0] in ids and pair[1] in ids]
        merges += sorted(known, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    tokenizer = LlamaTokenizer(
        vocab=ids,
        merges=merges,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="<|im_end|>",
        pad_token="<pad>",
        extra_special_tokens=["<|im_start|>"],
        add_prefix_space=False,
        model_max_length=CONTEXT,
        padding_side="right",
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    # transformers needs none of these, llama.cpp's converter does.
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"add_bos_token": False, "add_eos_token": False, "legacy": False}
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    for text in texts:
        if pieces.encode(text) != tokenizer(text, add_special_tokens=False)["input_ids"]:
            sys.exit(f"tokenizer.model and tokenizer.json differ on {text[:80]!r}")
    return tokenizer


def conversation(tokenizer, question, answer, system):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    if system:
        messages.insert(0, {"role": "system", "content": SYSTEM})
    return tokenizer.apply_chat_template(messages, tokenize=False)


def make_rows(texts, tokenizer, count, draw):
    """Rows of ROW tokens: the texts as they are, and conversations that answer with them, one after another."""
    stream = []
    while len(stream) < count * ROW:
        text = draw.choice(texts)
        if draw.random() < 0.5:
            start = 0 if draw.random() < 0.5 else max(0, text.find(". ") + 2)
            answer = " ".join(text[start:].split())[: draw.randint(80, 320)]
            text = conversation(tokenizer, draw.choice(QUESTIONS), answer[: answer.rfind(".") + 1] or answer, draw.random() < 0.7)
        stream += tokenizer(text, add_special_tokens=False)["input_ids"] + tokenizer("\n")["input_ids"]
    return [stream[at : at + ROW] for at in range(0, count * ROW, ROW)]


def train(model, rows, steps):
    import torch

    rate, warmup = 3e-3, 10
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, max(0.05, 1 - step / steps))
    )
    model.train()
    loss = None
    for step in range(steps):
        batch = torch.tensor(rows[step * BATCH : (step + 1) * BATCH])
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        events.progress("tiny base model", step + 1, steps, "steps")
    model.eval()
    return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True, help="JSON list of paragraphs")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1969)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--layers", type=int, default=3)
    options = parser.parse_args()
    events.follow_parent()
    texts = json.loads(options.texts.read_text(encoding="utf-8"))
    options.output.mkdir(parents=True, exist_ok=True)

    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)  # Sums depend on how many share the work; two that wait for each other lose on a busy machine.
    torch.manual_seed(options.seed)
    tokenizer = make_tokenizer(texts, options.output)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=options.layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,  # As in Qwen2.5-1.5B.
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    rows = make_rows(texts, tokenizer, options.steps * BATCH, random.Random(options.seed))
    loss = train(model, rows, options.steps)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(options.output)
    events.log(f"the tiny base model has {model.num_parameters():,} parameters and a loss of {loss:.2f}")


if __name__ == "__main__":
    main()
