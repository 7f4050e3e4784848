"""A plugin of Axolotl that tells how a run goes, and ends it at a step's end when it is asked to. train_axolotl.py adds it
to `plugins:` and hands it the run; both live in one process.
"""

from pathlib import Path

import events
from axolotl.integrations.base import BasePlugin
from training_watch import Watch, seal
from transformers.trainer_callback import PrinterCallback, ProgressCallback


class VoiceworksPlugin(BasePlugin):
    run = None  # The Run that is under way; train_axolotl.py sets it.
    trainer = None

    def add_callbacks_post_trainer(self, cfg, trainer):
        VoiceworksPlugin.trainer = trainer
        for printer in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(printer)  # Every figure that they print is an event.
        return [AxolotlWatch(VoiceworksPlugin.run, trainer)]


class AxolotlWatch(Watch):
    def on_log(self, args, state, control, logs=None, **rest):
        super().on_log(args, state, control, logs=logs, **rest)
        rate = (logs or {}).get("tokens/train_per_sec_per_gpu")
        if self.leads and rate:
            events.metric("tokens_per_second", rate * args.world_size, state.global_step)

    def on_prediction_step(self, *_, **__):
        """An evaluation is let to its end: Axolotl's trainer could not be told apart from one that failed."""

    def on_save(self, args, state, control, **rest):
        super().on_save(args, state, control, **rest)
        self.trainer.accelerator.wait_for_everyone()
        if self.leads:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            seal(folder, self.run.identity)
            self.run.checkpoint = folder
            events.artifact(folder, f"Checkpoint of step {state.global_step}")
