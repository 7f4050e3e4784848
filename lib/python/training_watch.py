"""What a trainer tells and how it is stopped, whoever's trainer it is; and checkpoints that say that they are whole."""

import json
import math
import os
import time

import torch
from transformers import TrainerCallback

import events

# The first is Trainer's own word for it.
INCOMPLETE = "checkpoint-is-incomplete.txt"
COMPLETE = "checkpoint-is-complete.json"


class NotFinite(Exception):
    """The loss is no number any more."""


class StopEvaluation(Exception):
    """Somebody asked to stop while an evaluation was under way."""


def seal(folder, identity):
    """Makes a checkpoint durable and says that it is whole: names and sizes of its files, and what run it belongs to."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (INCOMPLETE, COMPLETE))
    for path in files:
        flush(path)
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    part = folder / f".{COMPLETE}.part"
    part.write_text(json.dumps({"identity": identity, "files": sizes}, indent=1) + "\n", encoding="utf-8")
    flush(part)
    os.replace(part, folder / COMPLETE)
    (folder / INCOMPLETE).unlink(missing_ok=True)
    flush(folder)


def flush(path):
    if path.is_dir() and os.name == "nt":
        return  # Windows neither needs nor allows it.
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Watch(TrainerCallback):
    """Tells what happens, and ends the training where somebody asks for it, or where it is of no use any more."""

    def __init__(self, run, trainer):
        self.run = run
        self.trainer = trainer
        self.told = -math.inf
        self.tokens = 0
        self.time = None
        self.evaluated = 0

    @property
    def leads(self):
        return self.trainer.is_world_process_zero()

    def anybody(self, wish):
        """Whether one of the processes wishes it: all of them must do the same thing at the same step."""
        if self.trainer.args.world_size == 1:
            return wish
        flag = torch.tensor([1.0 if wish else 0.0], device=self.trainer.args.device)
        return bool(self.trainer.accelerator.reduce(flag, "sum").item())

    def on_train_begin(self, args, state, control, **_):
        self.time = time.monotonic()
        self.tell(state, always=True)

    def tell(self, state, always=False):
        if self.leads and (always or time.monotonic() - self.told > 0.1):
            self.told = time.monotonic()
            events.progress("train", state.global_step, state.max_steps, "steps")

    def on_step_end(self, args, state, control, **_):
        self.tell(state, always=state.global_step >= state.max_steps)
        if self.anybody(self.run.asked_to_stop()):
            self.run.stopped = state.global_step < state.max_steps
            if self.run.stopped:
                control.should_evaluate = False
                control.should_save = True
                control.should_training_stop = True
        # A loss that is no number must be seen before it is saved.
        if control.should_save or control.should_evaluate:
            control.should_log = True
        return control

    def on_log(self, args, state, control, logs=None, **_):
        logs = logs or {}
        bad = [name for name in ("loss", "eval_loss", "grad_norm") if not math.isfinite(logs.get(name, 0.0))]
        if "loss" in bad or "eval_loss" in bad:
            raise NotFinite(f"the {bad[0].replace('_', ' ')} is {logs[bad[0]]} at step {state.global_step}")
        if not self.leads:
            return
        step = state.global_step
        for name in ("loss", "eval_loss", "learning_rate", "grad_norm"):
            if name in logs:
                events.metric(name, logs[name], step)
        if "loss" not in logs and "eval_loss" not in logs:
            return  # The summary at the end.
        events.metric("epoch", state.epoch or 0.0, step)
        if "loss" in logs:
            self.tell_speed(step, int(logs.get("num_tokens", 0)))
            events.metric("memory_bytes", memory(args.device), step, "bytes")

    def tell_speed(self, step, tokens):
        now = time.monotonic() - self.run.paused
        # What was trained before a resume is not in the first count.
        if now > self.time and tokens > self.tokens:
            events.metric("tokens_per_second", (tokens - self.tokens) / (now - self.time), step)
        self.tokens, self.time = tokens, now

    def on_prediction_step(self, args, state, control, eval_dataloader=None, **_):
        self.evaluated += 1
        if self.leads and eval_dataloader is not None and time.monotonic() - self.told > 0.1:
            self.told = time.monotonic()
            events.progress("evaluate", self.evaluated, len(eval_dataloader), "batches")
        # With several processes it is cheaper to end the evaluation than to ask all of them at each batch.
        if args.world_size == 1 and self.run.asked_to_stop():
            self.run.stopped = state.global_step < state.max_steps
            if self.run.stopped:
                raise StopEvaluation

    def on_evaluate(self, args, state, control, **_):
        self.evaluated = 0
        # The history is part of a checkpoint, so that a resumed training ends where a straight one would.
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        if self.run.patience and state.global_step > 0 and len(losses) > self.run.patience:
            best = losses.index(min(losses))
            if len(losses) - 1 - best >= self.run.patience and state.global_step < state.max_steps:
                self.run.ended_early = True
                control.should_save = True
                control.should_training_stop = True
                if self.leads:
                    events.log(
                        f"ended at step {state.global_step}: {self.run.patience} evaluations brought no loss "
                        f"below {losses[best]:.4f}"
                    )
        return control

    def on_save(self, args, state, control, **_):
        self.tell(state, always=state.global_step < state.max_steps)


def memory(device):
    """Most bytes that the device had in use so far; on a processor, those that this process has in use."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    import psutil

    return psutil.Process().memory_info().rss
