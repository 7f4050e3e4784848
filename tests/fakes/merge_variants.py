"""Merges adapters of several kinds into small models of several kinds, all in one process, and prints what came of it.

Usage: merge_variants.py FOLDER TOKENIZER (a model's folder, whose tokenizer is taken)
"""

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "lib" / "python"))

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

import merge_lora

SIZES = dict(
    vocab_size=2048, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, pad_token_id=3, bos_token_id=1, eos_token_id=5,
)
BASES = {
    # In several files, its head tied to its embedding, with biases.
    "qwen2-bf16": (Qwen2ForCausalLM, Qwen2Config(**SIZES, tie_word_embeddings=True), torch.bfloat16, "200KB"),
    "llama-fp16": (LlamaForCausalLM, LlamaConfig(**SIZES, tie_word_embeddings=False), torch.float16, "5GB"),
}
ADAPTERS = {
    "rank-stabilised": ("qwen2-bf16", dict(target_modules="all-linear", use_rslora=True)),
    "weight-decomposed": ("qwen2-bf16", dict(target_modules=["q_proj", "down_proj"], use_dora=True)),
    "ranks by layer": ("qwen2-bf16", dict(target_modules=["q_proj", "v_proj"], rank_pattern={"q_proj": 2})),
    "with a head of its own": ("llama-fp16", dict(target_modules=["v_proj"], modules_to_save=["lm_head"])),
}
TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "chat_template.jinja")


def main():
    folder, tokenizer = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, (kind, config, dtype, shard) in BASES.items():
        kind(config).to(dtype).save_pretrained(folder / name, max_shard_size=shard)
        for file in TOKENIZER:
            shutil.copy(tokenizer / file, folder / name)
    results = {}
    for at, (name, (base, settings)) in enumerate(ADAPTERS.items()):
        path = folder / base
        adapter, output = folder / f"adapter-{at}", folder / f"merged-{at}"
        output.mkdir()
        model = get_peft_model(
            BASES[base][0].from_pretrained(path), LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM", **settings)
        )
        for parameter, value in model.named_parameters():
            if "lora_B" in parameter:
                torch.nn.init.normal_(value, std=0.2)
            if "modules_to_save" in parameter:
                value.data.add_(torch.randn_like(value) * 0.02)
            if "lora_magnitude" in parameter:
                value.data.mul_(1.05)
        model.save_pretrained(adapter)
        names = sorted(file.name for file in path.iterdir())
        answer = merge_lora.run({
            "base": str(path), "adapter": str(adapter), "output": str(output), "merged": str(output), "device": "cpu",
            "files": [name for name in names if name.endswith(".safetensors")],
            "copied": {name: str(path) for name in names if not name.endswith(".safetensors")},
            "tokenizer": str(path),
            "parameters": 1, "trainedTemplate": None, "questions": [],
            "prompts": [f"The plan of day {day} is kept, and the river carries stone." for day in range(16)],
        })
        results[name] = {**answer, "base": str(path), "adapter": str(adapter), "merged": str(output)}
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
