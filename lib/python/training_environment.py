"""What a training runs on: kept with the run, and held against what it was begun on."""

import json
import platform
from importlib.metadata import version

import torch

import events


def describe(trainer, precision, rows, val_rows, dropped):
    """What the run stands on; also said in a line."""
    device = trainer.args.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    total = sum(p.numel() for p in trainer.model.parameters())
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    packages = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
    found = {
        "python": platform.python_version(),
        "packages": {package: version(package) for package in packages},
        "device": device.type,
        "deviceName": name,
        "processes": trainer.args.world_size,
        "precision": precision,
        "parameters": total,
        "trainedParameters": trained,
        "trainRows": rows,
        "valRows": val_rows,
        "droppedRows": dropped,
        # Of a base from the hub: which of its versions it was.
        "baseCommit": getattr(trainer.model.config, "_commit_hash", None),
    }
    events.log(
        f"{trained:,} of {total:,} values are trained, in {precision} on {name}; {rows:,} rows to train on, "
        f"{val_rows:,} to validate on"
    )
    return found


def compare(path, found):
    """Warns where a run goes on with something else than it began with: its last digits will differ, or more."""
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))

    def note(name, old, now):
        if old is not None and old != now:
            events.log(f"this run was begun with {name} {old}, and goes on with {now}: losses may differ", "warn")

    for name, now in found["packages"].items():
        note(name, before.get("packages", {}).get(name), now)
    for name in ("device", "precision", "baseCommit"):
        note(name, before.get(name), found[name])
