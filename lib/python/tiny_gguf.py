"""Writes a tiny Llama with random weights as a GGUF of about 2 MB: something for llama-server to load where no real
model is at hand. Called by lib/llm/llama_cpp_tiny.ts; needs `gguf` and `numpy` only.

It says random words, in answers of some forty tokens that end by themselves. The same seed writes the same file.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, LlamaFileType, TokenType

WORDS = """a about after all and are as at be before but by can city comrade could day each earth engine every far field
first for from game great had hand has have he her his hope hour house how in into is it king knight labour land
light long machine man many moon more move must new night no not now of on one open or order other our out pawn people
plan power queen river road rook same sea ship should sky so some star state steel still such sun than that the their
them then there these they this time to town tower under until up us was water way we were what wheat when which who
will wind with without woman work workers world would year you""".split()

# ChatML. Written with a generation mark, as trainers ask for it.
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# Logits of a token are noise of this deviation around the bias of its kind.
NOISE = 2.0
# Against some 170 words an end of 3.6 comes about every fortieth token; so does a quote, which ends a JSON string.
WORD, CHARACTER, SENTENCE, END, NEVER = 0.0, -3.0, 2.0, 3.6, -12.0
# Dimension 0 of every embedding is this, in no layer changed: times a column of the output matrix it is a bias.
ANCHOR = 4.0


def vocabulary():
    """Rows of (text, type, score, bias, noise): SentencePiece's layout with byte fallback."""
    rows = [
        ("<unk>", TokenType.UNKNOWN, 0.0, NEVER, 0.0),
        ("<s>", TokenType.CONTROL, 0.0, NEVER, 0.0),
        ("</s>", TokenType.CONTROL, 0.0, NEVER, 0.0),
        ("<|im_start|>", TokenType.CONTROL, 0.0, NEVER, 0.0),
        ("<|im_end|>", TokenType.CONTROL, 0.0, END, 0.0),
    ]
    rows += [(f"<0x{byte:02X}>", TokenType.BYTE, 0.0, NEVER, 0.0) for byte in range(256)]
    ends = {".": SENTENCE, ",": SENTENCE, '"': END, "}": SENTENCE, "]": SENTENCE}
    characters = ["\u2581"] + [chr(code) for code in range(0x21, 0x7F)]
    rows += [(c, TokenType.NORMAL, -1000.0, ends.get(c, CHARACTER), 1.0 if c not in ends else 0.0) for c in characters]
    rows += [(f"\u2581{word}", TokenType.NORMAL, -float(at), WORD, 1.0) for at, word in enumerate(WORDS)]
    return rows


def tensors(rng, bias, noise, size):
    """Name and float32 matrix of every tensor, in the layout of PyTorch (rows are outputs)."""
    width, hidden, layers, heads, heads_kv = size
    head = width // heads
    count = len(bias)

    def random(rows, columns, deviation):
        return (rng.standard_normal((rows, columns)) * deviation).astype(np.float32)

    def writes(rows, columns):
        """A matrix whose output is added to the stream, where dimension 0 stays as it is."""
        matrix = random(rows, columns, 0.5 / np.sqrt(columns))
        matrix[0] = 0
        return matrix

    embedding = random(count, width, 1.0)
    embedding[:, 0] = ANCHOR
    # After the last norm the stream has length sqrt(width); about ANCHOR of it lies in dimension 0.
    output = random(count, width, NOISE / np.sqrt(width)) * noise[:, None]
    output[:, 0] = bias / ANCHOR
    ones = np.ones(width, dtype=np.float32)
    yield "token_embd.weight", embedding
    yield "output_norm.weight", ones
    yield "output.weight", output.astype(np.float32)
    for layer in range(layers):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", ones
        yield f"{block}.attn_q.weight", random(heads * head, width, 1 / np.sqrt(width))
        yield f"{block}.attn_k.weight", random(heads_kv * head, width, 1 / np.sqrt(width))
        yield f"{block}.attn_v.weight", random(heads_kv * head, width, 1 / np.sqrt(width))
        yield f"{block}.attn_output.weight", writes(width, heads * head)
        yield f"{block}.ffn_norm.weight", ones
        yield f"{block}.ffn_gate.weight", random(hidden, width, 1 / np.sqrt(width))
        yield f"{block}.ffn_up.weight", random(hidden, width, 1 / np.sqrt(width))
        yield f"{block}.ffn_down.weight", writes(width, hidden)


def write(path, *, seed, dtype, width, hidden, layers, heads, heads_kv, context, name):
    rows = vocabulary()
    writer = GGUFWriter(None, "llama")
    writer.add_name(name)
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if dtype == "f16" else LlamaFileType.ALL_F32)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(hidden)
    writer.add_block_count(layers)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads_kv)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(rows))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, *_ in rows])
    writer.add_token_scores([score for _, _, score, _, _ in rows])
    writer.add_token_types([kind for _, kind, *_ in rows])
    texts = [text for text, *_ in rows]
    writer.add_bos_token_id(texts.index("<s>"))
    writer.add_eos_token_id(texts.index("<|im_end|>"))
    writer.add_unk_token_id(texts.index("<unk>"))
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    rng = np.random.default_rng(seed)
    bias = np.array([row[3] for row in rows], dtype=np.float32)
    noise = np.array([row[4] for row in rows], dtype=np.float32)
    for tensor, matrix in tensors(rng, bias, noise, (width, hidden, layers, heads, heads_kv)):
        # Norms stay in full precision, as the converter leaves them.
        writer.add_tensor(tensor, matrix.astype(np.float16) if dtype == "f16" and matrix.ndim > 1 else matrix)
    part = path.with_name(f".{path.name}.part")
    try:
        writer.write_header_to_file(part)
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", choices=["f16", "f32"], default="f16")
    # 256 is the shortest row that K-quants take.
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--heads-kv", type=int, default=2)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--name", default="tiny")
    args = vars(parser.parse_args())
    write(args.pop("path"), **args)


if __name__ == "__main__":
    main()
