"""TRL's trainer, with checkpoints that are whole or marked as not."""

import time
from pathlib import Path

import torch
from transformers.trainer_callback import PrinterCallback
from transformers.trainer_utils import rotate_checkpoints
from trl import SFTTrainer

import events
from training_watch import COMPLETE, INCOMPLETE, StopEvaluation, Watch, seal


class LoraTrainer(SFTTrainer):
    """SFTTrainer; `run` is the Run that it belongs to."""

    def __init__(self, *args, run, **kwargs):
        self.run = run
        super().__init__(*args, **kwargs)
        self.remove_callback(PrinterCallback)
        self.add_callback(Watch(run, self))

    def create_model_card(self, *args, **kwargs):
        """None in every checkpoint: `deploy` writes one about the model."""

    def _save_checkpoint(self, model, trial):
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        if self.is_world_process_zero():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / COMPLETE).unlink(missing_ok=True)
            (folder / INCOMPLETE).write_text("This checkpoint was not finished; training never goes on from it.\n")
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if not self.is_world_process_zero():
            return
        seal(folder, self.run.identity)
        # Not before the new one is whole; Trainer's own would be too early.
        rotate_checkpoints(self.args.output_dir, self.run.keep, self.state.best_model_checkpoint)
        self.run.checkpoint = folder
        events.artifact(folder, f"Checkpoint of step {self.state.global_step}")

    def _evaluate(self, trial, ignore_keys_for_eval, skip_scheduler=False):
        started = time.monotonic()
        # An evaluation draws from the generator that dropout draws from. Set back, it moves no weight, whether it comes
        # before a stop or after the resume.
        generator = torch.get_rng_state()
        try:
            metrics = super()._evaluate(trial, ignore_keys_for_eval, skip_scheduler)
        except StopEvaluation:
            self.control.should_save = True
            self.control.should_training_stop = True
            return {}
        finally:
            torch.set_rng_state(generator)
            self.run.paused += time.monotonic() - started
        if skip_scheduler:
            self._determine_best_metric(metrics, trial)  # Before the first step Trainer does not look.
        self.run.evaluation = metrics
        return metrics

    def _determine_best_metric(self, metrics, trial):
        return super()._determine_best_metric(metrics, trial) if metrics else False
