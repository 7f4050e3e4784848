"""Trains the same LoRA on the same rows by TRL alone and by lib/python/train_lora.py, in turn, and prints what each took.

Both go through SFTTrainer.train, and that call alone is timed, in seconds of this process's CPU: other work on the machine
does not count. Equal losses show that both did the same.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
CONFIG, ROUNDS = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), int(sys.argv[2])
LIB = Path(__file__).resolve().parents[2] / "lib" / "python"


def bare(recipe, folder):
    """What a user of TRL would write."""
    from datasets import load_dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files=CONFIG["train"], split="train", cache_dir=str(folder / "cache"))
    trainer = SFTTrainer(
        model=CONFIG["base"],
        train_dataset=rows.select_columns(["messages"]),
        peft_config=LoraConfig(
            r=recipe["loraR"],
            lora_alpha=recipe["loraAlpha"],
            lora_dropout=recipe["loraDropout"],
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
        args=SFTConfig(
            output_dir=str(folder / "bare"),
            max_steps=recipe["maxSteps"],
            per_device_train_batch_size=recipe["batchSize"],
            gradient_accumulation_steps=recipe["gradientAccumulationSteps"],
            learning_rate=recipe["learningRate"],
            lr_scheduler_type="cosine",
            warmup_steps=recipe["warmupRatio"],
            weight_decay=recipe["weightDecay"],
            max_length=recipe["maxSeqLength"],
            assistant_only_loss=True,
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
            logging_steps=recipe["loggingSteps"],
            seed=recipe["seed"],
            data_seed=recipe["seed"],
            report_to="none",
            disable_tqdm=True,
            model_init_kwargs={"dtype": "float32"},
        ),
    )
    return trainer.train()


def ours(recipe, folder):
    import train_lora
    from training_run import Run

    place = folder / "ours"
    place.mkdir()
    os.environ["VOICEWORKS_EVENTS"] = str(place / "events.jsonl")
    import events

    events._PATH = os.environ["VOICEWORKS_EVENTS"]
    config = {**CONFIG, "output": str(place), "stopFile": str(place / "stop")}
    train_lora.train(config, place, Run(config))


def main():
    sys.path.insert(0, str(LIB))
    import torch
    from trl import SFTTrainer

    torch.set_num_threads(1)  # Threads that wait for each other would be counted too.
    measured = []
    train = SFTTrainer.train

    def timed(self, *args, **kwargs):
        started = time.process_time()
        result = train(self, *args, **kwargs)
        seconds = time.process_time() - started
        measured.append({"seconds": seconds, "tokens": self._total_train_tokens, "loss": result.training_loss})
        return result

    SFTTrainer.train = timed
    folder = Path(sys.argv[3])
    found = {"bare": [], "ours": []}
    for at in range(ROUNDS):
        # Each goes first in every other round.
        for side in (bare, ours) if at % 2 == 0 else (ours, bare):
            place = folder / f"round-{at}-{side.__name__}"
            place.mkdir()
            side(CONFIG["recipe"], place)
            found[side.__name__].append(measured.pop())
            shutil.rmtree(place)
    print("found: " + json.dumps(found))


if __name__ == "__main__":
    main()
