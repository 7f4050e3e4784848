"""Merges a LoRA adapter into its base model, and measures what came of it. Called by lib/training/merge_python.ts.

The base's files are copied tensor by tensor; only those that the adapter changes are computed anew: in float32, rounded
once to the type that the file has. So names, types, order of the shards and everything else stay the base's own.

Measuring loads the merged model from the disk and compares, on held-out text, three distributions over the next token:
the base's, that of the base with the adapter beside it, and the merged model's. Where the adapter was trained beside a base
in 4 bit (QLoRA), that pair is a fourth: what the merged model says otherwise than what was trained.

Reads its request as JSON (--request) and leaves its answer as JSON (--answer).
"""

import argparse
import gc
import json
import os
import shutil
import sys
from pathlib import Path

import events
from merge_measure import (
    KEPT_BYTES,
    agreement,
    compare_4bit,
    distributions,
    divergence,
    load_in_4bit,
    missing_4bit,
    positions_of,
)

# Tokens of a prompt at most.
TOKENS = 384
# Parameters of a model that one thread is enough for.
SMALL = 20_000_000
# Places at which a converted model is asked for its next token.
PROBES = 24


def fetch(request):
    """The folder of a model of the hub; only what merging needs."""
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "LICENSE*"]
    return {"folder": snapshot_download(request["model"], allow_patterns=patterns)}


def choose(parameters, wanted):
    """Device and type to compute in: float32, which shows what merging itself loses, where there is room for it."""
    import psutil
    import torch

    def fits(free, width):
        return parameters * width * 1.3 + KEPT_BYTES < free

    memory = psutil.virtual_memory().available
    if wanted != "cpu" and torch.cuda.is_available():
        free = torch.cuda.mem_get_info()[0]
        for dtype, width in ((torch.float32, 4), (None, 2)):
            if fits(free, width):
                return "cuda", dtype
        if wanted == "cuda":
            sys.exit(f"the model does not fit on the GPU: {free / 1e9:.1f} GB of its memory are free")
    return "cpu", torch.float32 if fits(memory, 4) else None


def load(folder, dtype, device):
    from transformers import AutoModelForCausalLM

    # None: as the file has it.
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype or "auto", local_files_only=True)
    return model.to(device).eval()


def rows_of(request, tokenizer):
    """Token ids of every prompt. Conversations go through the merged model's template, texts stay as they are."""
    rows, differs = [], 0
    trained = request["trainedTemplate"]
    for prompt in request["prompts"]:
        if isinstance(prompt, str) or not tokenizer.chat_template:
            text = prompt if isinstance(prompt, str) else "\n".join(turn["content"] for turn in prompt)
        else:
            ask = prompt[-1]["role"] != "assistant"
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=ask)
            if trained and text != tokenizer.apply_chat_template(
                prompt, tokenize=False, add_generation_prompt=ask, chat_template=trained
            ):
                differs += 1
        ids = tokenizer(text, add_special_tokens=False)["input_ids"][:TOKENS]
        if len(ids) > 1:
            rows.append(ids)
    if not rows:
        sys.exit("no prompt has more than one token")
    return rows, differs


def probe_of(ids, positions, log_probabilities, special):
    """The place in a row where the merged model is surest of an ordinary token, and which one; None without one."""
    values, tokens = log_probabilities.topk(2, dim=-1)
    places = [
        (margin, ids[: position + 1], token)
        for margin, position, token in zip((values[:, 0] - values[:, 1]).tolist(), positions, tokens[:, 0].tolist())
        if token not in special
    ]
    return max(places, default=None, key=lambda place: place[0])


def rendered(questions, tokenizer):
    """Conversations as the merged model's template puts them before an answer."""
    if not tokenizer.chat_template:
        return []
    return [
        {"messages": turns, "text": tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)}
        for turns in questions
    ]


def attach(model, adapter):
    """The model with the adapter beside it; without one, with an adapter that was never trained and so does nothing."""
    from peft import LoraConfig, PeftModel, get_peft_model

    if adapter is None:
        return get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")).eval()
    return PeftModel.from_pretrained(model, adapter, is_trainable=False).eval()


def merged_parameters(model):
    """Every parameter that the adapter changes, by its name in the base. Leaves the layers merged, in float32."""
    import torch
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import ModulesToSaveWrapper

    prefix = "base_model.model."
    changed = {}
    for name, module in model.named_modules():
        plain = name.removeprefix(prefix)
        if isinstance(module, ModulesToSaveWrapper):
            saved = module.modules_to_save[module.active_adapters[0]]
            changed |= {f"{plain}.{part}": value.detach() for part, value in saved.named_parameters()}
        elif isinstance(module, BaseTunerLayer):
            base = module.get_base_layer()
            base.to(torch.float32)
            module.merge(safe_merge=True)  # Refuses what is not finite.
            changed |= {f"{plain}.{part}": value.detach() for part, value in base.named_parameters()}
    return changed


def write(changed, request, prefix):
    """The base's safetensors files with the changed parameters in their places."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    base, output = Path(request["base"]), Path(request["output"])
    left = dict(changed)
    umask = os.umask(0)
    os.umask(umask)
    for done, name in enumerate(request["files"]):
        tensors = {}
        with safe_open(base / name, framework="pt") as file:
            metadata = file.metadata()
            for key in file.keys():
                old = file.get_tensor(key)
                # Some models are saved without the first part of their names.
                value = left.pop(key, None) if key in left else left.pop(f"{prefix}.{key}", None)
                if value is not None:
                    if value.shape != old.shape:
                        sys.exit(f'"{key}" is {list(old.shape)} in the base and {list(value.shape)} with the adapter')
                    old = value.to(device="cpu", dtype=old.dtype).contiguous()
                tensors[key] = old
        save_file(tensors, output / name, metadata=metadata)
        (output / name).chmod(0o666 & ~umask)  # It is written for its owner alone, but other programs are to serve it.
        events.progress("merge", done + 1, len(request["files"]), "files")
    if left:
        sys.exit(f'the base holds no "{next(iter(left))}", which the adapter changes ({len(left)} such)')


def load_tokenizer(request):
    """The tokenizer of the merged model: the base's, or one of the run, which must make the same tokens."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(request["tokenizer"], local_files_only=True)
    if request["tokenizer"] != request["base"]:
        vocabulary = tokenizer.get_vocab()
        base = AutoTokenizer.from_pretrained(request["base"], local_files_only=True).get_vocab()
        other = [token for token, number in base.items() if vocabulary.get(token) != number]
        if other:
            sys.exit(f"the tokenizer of the run numbers {len(other)} tokens otherwise than the base does, {other[0]!r} for one")
    return tokenizer


def versions():
    import peft
    import torch
    import transformers

    return {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}


def run(request):
    import torch

    torch.manual_seed(0)
    if request["parameters"] < SMALL:
        torch.set_num_threads(1)  # Several would wait for each other longer than they work.
    tokenizer = load_tokenizer(request) if request["prompts"] or request["tokenizer"] != request["base"] else None
    device, dtype = choose(request["parameters"], request["device"])
    model = load(request["base"], dtype, device)
    computed = str(model.dtype).removeprefix("torch.")
    events.log(f"computing in {computed} on {device}")
    model = attach(model, request["adapter"])
    answer = {"device": device, "computedIn": computed, "versions": versions()}
    prefix = model.base_model.model.base_model_prefix

    if request["prompts"]:
        rows, differs = rows_of(request, tokenizer)
        vocabulary = model.config.get_text_config().vocab_size
        if max(map(max, rows)) >= vocabulary:
            sys.exit(f"the tokenizer uses token {max(map(max, rows))}, and the model knows {vocabulary}: they do not belong together")
        missing = missing_4bit() if request.get("fourBit") else None
        measures_4bit = bool(request.get("fourBit")) and missing is None
        picked = positions_of(rows, vocabulary, 3 if measures_4bit else 2)
        with model.disable_adapter():
            base = list(distributions(model, rows, picked, "base"))
        tuned = list(distributions(model, rows, picked, "base and adapter"))
        answer["prompts"] = len(rows)
        answer["templateDiffers"] = differs

    if request["output"]:
        write(merged_parameters(model), request, prefix)
        # What the merged model is loaded with below.
        for name, folder in request["copied"].items():
            shutil.copyfile(Path(folder) / name, Path(request["output"]) / name)

    if request["prompts"]:
        del model
        gc.collect()
        merged = load(request["merged"], dtype, device)
        kl, kl_base, same, largest, base_tuned, probes, kept = [], [], [], 0.0, [], [], []
        special = set(tokenizer.all_special_ids)
        measured = zip(rows, picked, base, tuned, distributions(merged, rows, picked, "merged"))
        for ids, positions, of_base, of_tuned, of_merged in measured:
            if of_merged.shape != of_tuned.shape:
                sys.exit(f"the merged model has {of_merged.shape[-1]} tokens, the base {of_tuned.shape[-1]}")
            kl.append(divergence(of_tuned, of_merged))
            kl_base.append(divergence(of_base, of_merged))
            base_tuned.append(divergence(of_base, of_tuned))
            same.append(agreement(of_tuned, of_merged))
            largest = max(largest, (of_tuned - of_merged).abs().max().item())
            if measures_4bit:
                kept.append(of_merged)
            probes.append(probe_of(ids, positions, of_merged, special))
        answer |= {
            "positions": sum(len(each) for each in kl),
            "meanKl": torch.cat(kl).mean().item(),
            "maximumKl": torch.cat(kl).max().item(),
            "baseKl": torch.cat(kl_base).mean().item(),
            "adapterKl": torch.cat(base_tuned).mean().item(),
            "topAgreement": torch.cat(same).mean().item(),
            "largestDifference": largest,
            "probes": {
                "next": [{"tokens": place[1], "next": place[2]} for place in probes if place][:PROBES],
                "rendered": rendered(request["questions"], tokenizer),
            },
        }
        if missing:
            answer["fourBit"] = {"missing": missing}
        if measures_4bit:
            del merged, base, tuned
            gc.collect()
            pair = attach(load_in_4bit(request["base"], dtype, device), request["adapter"])
            answer["fourBit"] = compare_4bit(pair, rows, picked, kept)
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=["fetch", "merge"])
    parser.add_argument("--request", type=Path, required=True)
    parser.add_argument("--answer", type=Path, required=True)
    options = parser.parse_args()
    events.follow_parent()
    request = json.loads(options.request.read_text(encoding="utf-8"))
    answer = fetch(request) if options.work == "fetch" else run(request)
    options.answer.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    main()
