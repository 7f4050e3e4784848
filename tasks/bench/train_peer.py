"""Trains the same LoRA on the same rows by TRL alone and by lib/python/train_lora.py, and prints what each took.

Each is a process of its own, and they take turns, step by step: a machine that grows slower for a while is slower for both.
SFTTrainer.train alone is counted, checkpoint at the end included, in seconds of the process's CPU: other work on the machine,
and waiting for one's turn, do not count. Equal losses show that both did the same.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
CONFIG, FOLDER = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
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


def take_turns():
    """Runs both, one step of one beside one step of the other; each goes first in every other turn."""
    sides = {
        name: subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:3], name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("bare", "ours")
    }
    found, turn = {}, 0
    while len(found) < len(sides):
        turn += 1
        for name, child in list(sides.items())[:: 1 if turn % 2 else -1]:
            if name in found:
                continue
            child.stdin.write("go\n")
            child.stdin.flush()
            answer = child.stdout.readline()
            if not answer:
                sys.exit(f"{name} ended by itself")
            if answer.startswith("{"):
                found[name] = json.loads(answer)
    print("found: " + json.dumps(found))


def one_side(name):
    # What libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    sys.path.insert(0, str(LIB))
    import torch
    from transformers import TrainerCallback
    from trl import SFTTrainer

    torch.set_num_threads(1)  # Threads that wait for each other would be counted too.

    class Turn(TrainerCallback):
        def on_step_begin(self, *_, **__):
            answers.write("done\n")
            sys.stdin.readline()

    train = SFTTrainer.train

    def timed(self, *args, **kwargs):
        self.add_callback(Turn())
        sys.stdin.readline()
        started = time.process_time()
        result = train(self, *args, **kwargs)
        seconds = time.process_time() - started
        side = {"seconds": seconds, "tokens": self._total_train_tokens, "loss": result.training_loss}
        answers.write(json.dumps(side) + "\n")
        return result

    SFTTrainer.train = timed
    {"bare": bare, "ours": ours}[name](CONFIG["recipe"], FOLDER)


if __name__ == "__main__":
    one_side(sys.argv[3]) if len(sys.argv) > 3 else take_turns()
