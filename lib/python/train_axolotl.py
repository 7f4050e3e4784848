"""Trains with Axolotl, from its own configuration. Called by lib/training/train.ts as train_lora.py is, with the path of
the configuration as `axolotl`; base, rows and folder are those of the run, whatever the configuration says.

Axolotl itself, interrupted, saves an adapter as if it had finished. Here a run that is stopped leaves a checkpoint.
"""

import os
import shutil
import sys
from pathlib import Path

# Before Axolotl is imported: it would report, and wait ten seconds to say so.
os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
# It prints its whole configuration, and what others remark; all of it stands in its debug.log.
os.environ.setdefault("AXOLOTL_LOG_LEVEL", "WARNING")
os.environ.setdefault("LOG_LEVEL", "ERROR")
# It calls `accelerate` by name: that lies beside the interpreter.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

import events
import train_lora

KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel")
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")


def configuration(config, folder):
    """Axolotl's configuration with this run's base, rows and folder, as a file in it."""
    import torch
    import yaml

    values = yaml.safe_load(Path(config["axolotl"]).read_text(encoding="utf-8"))
    values["base_model"] = config["base"]
    values["output_dir"] = str(folder)
    values["dataset_prepared_path"] = str(folder / "prepared")
    for dataset in values["datasets"]:
        dataset["path"] = config["train"]
    if config["val"] is None:
        for key in ("test_datasets", "evals_per_epoch", "load_best_model_at_end"):
            values.pop(key, None)
    else:
        for dataset in values.get("test_datasets", []):
            dataset["path"] = config["val"]
    if not torch.cuda.is_available():
        values.update(dict.fromkeys(KERNELS, False))  # They ask for a driver.
    values["plugins"] = [*values.get("plugins", []), "axolotl_plugin.VoiceworksPlugin"]
    path = folder / "axolotl.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def train(config, folder, run):
    events.log(f"loading Axolotl, which says more in {folder / 'debug.log'}")
    path = configuration(config, folder)
    from axolotl.cli.train import do_cli
    from axolotl_plugin import VoiceworksPlugin

    VoiceworksPlugin.run = run
    sys.argv = sys.argv[:1]  # It would read our command line too.
    resume = {"resume_from_checkpoint": config["resume"]} if config.get("resume") else {}
    do_cli(config=str(path), **resume)
    if VoiceworksPlugin.trainer is None:
        raise RuntimeError("Axolotl did not load the plugin that watches the run")
    trainer = VoiceworksPlugin.trainer
    state = trainer.state
    history = state.log_history
    losses = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    results = next((entry for entry in reversed(history) if "train_runtime" in entry), {})
    outcome = {
        "state": "stopped" if run.stopped else "complete",
        "step": state.global_step,
        "maxSteps": state.max_steps,
        "epoch": state.epoch,
        "checkpoint": str(run.checkpoint) if run.checkpoint else None,
        "metrics": {"train_loss": results.get("train_loss")},
    }
    leads = trainer.is_world_process_zero()
    if leads:
        keep_adapter(folder, run.stopped)
    if leads and not run.stopped:
        train_lora.write_json(folder / "train_results.json", results)
        if losses:
            train_lora.write_json(folder / "eval_results.json", {"eval_loss": losses[-1], "epoch": state.epoch})
            outcome["metrics"]["eval_loss"] = losses[-1]
        state.save_to_json(str(folder / "trainer_state.json"))
    return outcome


def keep_adapter(folder, stopped):
    """Axolotl leaves the adapter beside its checkpoints; a stopped run has none."""
    part = folder / ".final.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name in (*ADAPTER, *TOKENIZER):
        if (folder / name).exists():
            os.replace(folder / name, part / name)
    if stopped:
        shutil.rmtree(part)
        return
    shutil.rmtree(folder / "final", ignore_errors=True)
    os.replace(part, folder / "final")
    events.artifact(folder / "final", "LoRA adapter")


if __name__ == "__main__":
    train_lora.main(train)
