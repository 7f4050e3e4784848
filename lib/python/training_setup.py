"""What a training is made of, from the recipe: TRL's settings, the tokenizer, the rows, the base model, the LoRA."""

import contextlib
import ctypes
import importlib.util
import json
import os
import sys
from pathlib import Path

import torch

import events
from training_data import pack, prepare

LAUNCHED = "WORLD_SIZE" in os.environ


class Failure(Exception):
    """What went wrong, in a sentence; `kind` tells lib/training/train_faults.ts what to advise."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def use_one_gpu():
    """TRL refuses to spread a single process over several GPUs."""
    if LAUNCHED or not torch.cuda.is_available() or torch.cuda.device_count() < 2:
        return
    count = torch.cuda.device_count()
    shown = os.environ.get("CUDA_VISIBLE_DEVICES") or os.environ.get("HIP_VISIBLE_DEVICES") or "0"
    os.environ["CUDA_VISIBLE_DEVICES"] = shown.split(",")[0]
    events.log(f"{count} GPUs are here and one is used; --launch accelerate --processes {count} uses them all", "warn")


def keep_memory():
    """Keeps what tensors give back, for the next ones. glibc hands blocks of megabytes back to the system and takes them
    anew with each step, which on a processor costs a tenth of the time (mallopt(3))."""
    if sys.platform != "linux":
        return
    trim_threshold, mmap_threshold, most = -1, -3, 2**30  # Of <malloc.h>.
    with contextlib.suppress(OSError, AttributeError):  # Another C library has no such thing.
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(mmap_threshold, most)
        mallopt(trim_threshold, most)


def choose_precision(wanted):
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "fp32"


def sft_config(config, precision):
    from trl import SFTConfig

    recipe = config["recipe"]
    if recipe["wandb"] and importlib.util.find_spec("wandb") is None:
        raise Failure("packages", f"--wandb takes a package more: {sys.executable} -m pip install wandb")
    on_cpu = not torch.cuda.is_available() and not torch.backends.mps.is_available()
    evaluates = config.get("val") is not None
    values = {
        "output_dir": config["output"],
        "num_train_epochs": recipe["epochs"],
        "max_steps": recipe.get("maxSteps") or -1,
        "per_device_train_batch_size": recipe["batchSize"],
        "per_device_eval_batch_size": recipe.get("evalBatchSize") or recipe["batchSize"],
        "gradient_accumulation_steps": recipe["gradientAccumulationSteps"],
        "learning_rate": recipe["learningRate"],
        "lr_scheduler_type": recipe["lrScheduler"],
        "warmup_steps": recipe["warmupRatio"],  # Below 1 it is a share.
        "weight_decay": recipe["weightDecay"],
        "max_grad_norm": recipe["maxGradNorm"],
        "optim": recipe["optimizer"],
        "max_length": recipe["maxSeqLength"],
        "packing": recipe["packing"],
        "eval_packing": False,
        # Tokens and labels are there already: see training_data.py.
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "use_cpu": on_cpu,
        "gradient_checkpointing": recipe["gradientCheckpointing"],
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if recipe["gradientCheckpointing"] else None,
        "logging_steps": recipe["loggingSteps"],
        "logging_nan_inf_filter": False,  # It hides a loss that is no number.
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": recipe["evalSteps"] if evaluates else None,
        # What the base can do; and what does not fit shows before the first step.
        "eval_on_start": evaluates and needs_evaluation(config),
        "metric_for_best_model": "eval_loss" if evaluates else None,
        "greater_is_better": False if evaluates else None,
        "load_best_model_at_end": False,
        "save_strategy": "steps",
        "save_steps": recipe["saveSteps"],
        "save_total_limit": None,  # LoraTrainer does it.
        "seed": recipe["seed"],
        "data_seed": recipe["seed"],
        "report_to": ["wandb"] if recipe["wandb"] else "none",
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False if LAUNCHED else None,
    }
    if LAUNCHED and on_cpu:
        values["ddp_backend"] = "gloo"
    if config.get("fsdp"):
        values |= {"fsdp": True, "fsdp_config": config["fsdp"]}
    if config.get("deepspeed"):
        values["deepspeed"] = config["deepspeed"]
    return SFTConfig(**values)


def needs_evaluation(config):
    """Whether to evaluate before the first step: at the very beginning, and where a stop came between a step and its
    evaluation."""
    if not config.get("resume"):
        return True
    state = json.loads((Path(config["resume"]) / "trainer_state.json").read_text(encoding="utf-8"))
    step = state["global_step"]
    done = any("eval_loss" in entry and entry["step"] == step for entry in state["log_history"])
    return step % config["recipe"]["evalSteps"] == 0 and not done


def load_tokenizer(base):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    if tokenizer.chat_template is None:
        raise Failure("template", "the base has no chat template, so it cannot be trained on conversations")
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        # Padding is masked by its place, not by its token; only its embedding is looked up.
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return tokenizer


def main_process_first():
    from accelerate import PartialState

    return PartialState().main_process_first()


def load_data(config, tokenizer, leads):
    """Rows to train on, rows to validate on (or None), and how many were left out."""
    recipe = config["recipe"]
    rejects = []

    def drop(reason, name, detail, row):
        rejects.append({"reason": reason, "id": name, "detail": detail, "row": row})

    train_rows = prepare(config["train"], tokenizer, recipe, drop)
    val_rows = prepare(config["val"], tokenizer, recipe, drop) if config.get("val") else None
    if leads:
        for entry in rejects:
            events.emit("drop", reason=entry["reason"], count=1, id=entry["id"], detail=entry["detail"])
        lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in rejects)
        path = Path(config["output"]) / "train_rejects.jsonl"
        path.write_text(lines, encoding="utf-8", newline="\n")
    for name, rows in (("train", train_rows), ("validate", val_rows)):
        if rows is not None and len(rows) == 0:
            raise Failure("data", f"no example is left to {name} on: see train_rejects.jsonl for why")
    if recipe["packing"]:
        train_rows = pack(train_rows, recipe)
    return train_rows, val_rows, len(rejects)


def load_model(config, precision):
    from transformers import AutoModelForCausalLM

    recipe = config["recipe"]
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
    options = {"dtype": dtype}
    if recipe["attention"] != "auto":
        options["attn_implementation"] = recipe["attention"]
    if recipe["use4bit"] or recipe["use8bit"]:
        options["quantization_config"] = quantization(recipe, dtype)
        if torch.cuda.is_available():
            options["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))}
    model = AutoModelForCausalLM.from_pretrained(config["base"], **options)
    model.config.use_cache = False
    if recipe["use4bit"]:
        keep_autograd(model)
    return model


def quantization(recipe, dtype):
    try:
        import bitsandbytes  # noqa: F401
    except Exception as error:
        raise Failure(
            "packages", f"bitsandbytes, which holds the base in 4 or 8 bit, cannot be loaded ({error})"
        ) from error
    from transformers import BitsAndBytesConfig

    if recipe["use8bit"]:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )


def keep_autograd(model):
    """bitsandbytes 0.50 repacks weights at the first evaluation on processors with AVX512-BF16, for good: gradients are
    then wrong or missing, with a warning only."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def lora_config(recipe):
    from peft import LoraConfig

    targets = recipe["loraTargets"]
    return LoraConfig(
        r=recipe["loraR"],
        lora_alpha=recipe["loraAlpha"],
        lora_dropout=recipe["loraDropout"],
        target_modules="all-linear" if targets == ["all-linear"] else targets,
        bias="none",
        task_type="CAUSAL_LM",
    )
