"""Trains a LoRA with TRL and PEFT. Called by lib/training/train.ts with one JSON file; how it ended stands in the file
`outcome.json` of the run's folder, in a sentence.
"""

import argparse
import contextlib
import json
import os
import re
import sys
import traceback
from pathlib import Path

# Before any of the libraries is loaded: they ask nobody whether they may report.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that wait for each other by spinning lose ten times the work on a machine that is not theirs alone.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import events
from training_run import Run

RANK = int(os.environ.get("RANK", "0"))
LOCAL_RANK = int(os.environ.get("LOCAL_RANK", "0"))
LAUNCHED = "WORLD_SIZE" in os.environ
# BSD's EX_TEMPFAIL: try again. A launcher takes any code but 0 for a failure of one process, and ends the others.
STOPPED = 0 if LAUNCHED else 75


def main(work=None):
    """Runs `work(config, folder, run)`, by default the training below, and writes down how it ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    config = json.loads(parser.parse_args().config.read_text(encoding="utf-8"))
    events.follow_parent()
    folder = Path(config["output"])
    if LOCAL_RANK == 0:
        keep_remarks(folder / "trainer.log")
    run = Run(config)
    run.catch_signals()
    path = folder / "outcome.json"
    try:
        outcome = (work or train)(config, folder, run)
        # The first of each machine: its folder may be its own.
        if RANK == 0 or (LOCAL_RANK == 0 and not path.exists()):
            write_json(path, outcome)
    except BaseException as error:
        traceback.print_exc()
        kind, message = explain(error)
        outcome = {"state": "failed", "kind": kind, "message": message}
        # The first one to fail says why: what the others say comes of it. The file may find no room on a full disk.
        print("outcome: " + json.dumps(outcome), file=sys.stderr)
        if not path.exists():
            with contextlib.suppress(OSError):
                write_json(path, outcome)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # Other processes may wait for this one for ever.
    if outcome["state"] == "stopped":
        sys.exit(STOPPED)


def write_json(path, value):
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def keep_remarks(path):
    """Copies what libraries say on standard error into a file."""
    file = open(path, "a", encoding="utf-8", buffering=1)
    write = sys.stderr.write

    def both(text):
        try:
            file.write(text)
        except OSError:
            pass  # A full disk is told of elsewhere.
        return write(text)

    sys.stderr.write = both


DISK_FULL = re.compile(r"No space left|os error 28\b|Disk quota|File too large|os error 27\b|os error 112\b")


def explain(error):
    """Kind and sentence of what ended a training."""
    text = f"{error}".strip() or type(error).__name__
    first = text.splitlines()[0][:300]
    name = type(error).__name__
    if name == "Failure":
        return error.kind, text
    if name == "NotFinite":
        return "not-finite", text
    if name == "NoMask":
        return "template", text
    if name == "OutOfMemoryError" or re.search(r"out of memory|can't allocate memory|bad_alloc", text, re.I):
        return "memory", f"the memory did not suffice ({first})"
    if isinstance(error, MemoryError):
        return "memory", "the memory of this machine did not suffice"
    if DISK_FULL.search(text):
        return "disk", f"the disk is full ({first})"
    if isinstance(error, ImportError):
        return "packages", f"a Python package is missing or does not fit ({first})"
    if re.search(r"HIP error|CUDA error|GPU hang|Memory access fault|hipError|device-side assert|NCCL", text, re.I):
        return "gpu", f"the GPU failed ({first})"
    if isinstance(error, OSError) and re.search(r"huggingface\.co|Hub|offline|is not a local folder", text):
        return "base", f"the base model could not be loaded ({first})"
    return "other", f"{name}: {first}"


def train(config, folder, run):
    events.log("loading torch, transformers and TRL")
    import training_setup as setup
    from accelerate import PartialState
    from training_environment import compare, describe
    from training_loop import LoraTrainer
    from transformers import set_seed

    recipe = config["recipe"]
    setup.use_one_gpu()
    set_seed(recipe["seed"])
    precision = setup.choose_precision(recipe["precision"])
    arguments = setup.sft_config(config, precision)
    if arguments.use_cpu:
        setup.keep_memory()
    tokenizer = setup.load_tokenizer(config["base"])
    with PartialState().main_process_first():
        train_rows, val_rows, dropped = setup.load_data(config, tokenizer, leads=RANK == 0)
    trainer = LoraTrainer(
        run=run,
        model=setup.load_model(config, precision),
        args=arguments,
        train_dataset=train_rows,
        eval_dataset=val_rows,
        processing_class=tokenizer,
        peft_config=setup.lora_config(recipe),
    )
    if config.get("fsdp") and not trainer.is_fsdp_enabled:
        raise setup.Failure("other", "FSDP was asked for, but accelerate does not use it on this machine: it takes GPUs")
    leads = trainer.is_world_process_zero()
    if leads:
        found = describe(trainer, precision, len(train_rows), len(val_rows or []), dropped)
        if config.get("resume"):
            compare(folder / "environment.json", found)
        write_json(folder / "environment.json", found)
    if not LAUNCHED and run.asked_to_stop():
        return {"state": "stopped"}
    result = trainer.train(resume_from_checkpoint=config.get("resume"))
    state = trainer.state
    outcome = {
        "state": "stopped" if run.stopped else "complete",
        "step": state.global_step,
        "maxSteps": state.max_steps,
        "epoch": state.epoch,
        "endedEarly": run.ended_early,
        "checkpoint": str(run.checkpoint) if run.checkpoint else None,
        "metrics": {"train_loss": result.metrics.get("train_loss")},
    }
    if run.stopped:
        return outcome
    save_final(trainer, folder, leads)
    if leads:
        metrics = {**result.metrics, "train_samples": len(train_rows), "epoch": state.epoch}
        write_json(folder / "train_results.json", metrics)
        if run.evaluation:
            write_json(folder / "eval_results.json", {**run.evaluation, "eval_samples": len(val_rows)})
            outcome["metrics"]["eval_loss"] = run.evaluation["eval_loss"]
        state.save_to_json(str(folder / "trainer_state.json"))
    return outcome


def save_final(trainer, folder, leads):
    """The adapter with the tokenizer, whole under its name or not there."""
    import shutil

    part = folder / ".final.part"
    if leads:
        shutil.rmtree(part, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    trainer.save_model(str(part))
    trainer.accelerator.wait_for_everyone()
    if leads:
        from training_watch import flush

        # A pickle, of which recipe.json says the same; and a card with nothing in it.
        for name in ("training_args.bin", "README.md"):
            (part / name).unlink(missing_ok=True)
        for path in part.iterdir():
            flush(path)
        shutil.rmtree(folder / "final", ignore_errors=True)
        os.replace(part, folder / "final")
        events.artifact(folder / "final", "LoRA adapter")


if __name__ == "__main__":
    main()
