"""Imports what train_lora.py imports, one package after another, and holds the keyword arguments that it and its parts pass
against their signatures.

In a process of its own: a torch that does not fit the GPU may crash on import. The last line on standard error says at
what. Writes one JSON object to the file --output. See lib/training/preflight/check_packages.ts.
"""

import argparse
import ast
import importlib
import importlib.util
import inspect
import json
import os
import platform
import sys
from pathlib import Path

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import events

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "bitsandbytes")
# Of these it is enough to know that they are there: an option asks for each.
EXTRAS = ("wandb", "flash_attn", "deepspeed")
# The trainer with its parts.
SCRIPTS = [Path(__file__).with_name("train_lora.py"), *sorted(Path(__file__).parent.glob("training_*.py"))]
# What they call with names, and where it comes from.
CALLED = {
    "SFTConfig": "trl",
    "LoraConfig": "peft",
    "BitsAndBytesConfig": "transformers",
    "LoraTrainer": "trl.SFTTrainer",
}
# Of our own subclass.
OWN = {"LoraTrainer": {"run"}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    events.follow_parent()
    packages, failures = {}, {}
    for name in PACKAGES:
        print(f"importing {name}", file=sys.stderr, flush=True)
        try:
            module = importlib.import_module(name)
            packages[name] = str(getattr(module, "__version__", "unknown"))
        except BaseException as error:
            failures[name] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    for name in EXTRAS:
        if importlib.util.find_spec(name) is None:
            failures[name] = "it is not installed"
    print("comparing keyword arguments", file=sys.stderr, flush=True)
    found = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "packages": packages,
        "failures": failures,
        "unknown": unknown_keywords(failures),
    }
    print("looking for devices", file=sys.stderr, flush=True)
    found["devices"] = devices() if "torch" in packages else {"count": 0, "names": []}
    options.output.write_text(json.dumps(found), encoding="utf-8")


def unknown_keywords(failures):
    """Keyword arguments that a library does not know, as `SFTConfig: max_seq_length`."""
    unknown = []
    for name, keywords in keywords_of(*(path.read_text(encoding="utf-8") for path in SCRIPTS)).items():
        module, _, attribute = CALLED[name].partition(".")
        if module in failures:
            continue
        try:
            target = getattr(importlib.import_module(module), attribute or name)
            parameters = inspect.signature(target.__init__).parameters
        except Exception as error:
            unknown.append(f"{name}: {error}"[:300])
            continue
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            continue
        strangers = keywords - set(parameters) - OWN.get(name, set())
        unknown.extend(f"{name}: {stranger}" for stranger in sorted(strangers))
    return unknown


def keywords_of(*sources):
    """Names that scripts pass to each of the calls, also those of a dictionary that is built before: `f(**values)`."""
    found = {}
    for function in (node for source in sources for node in ast.walk(ast.parse(source))):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", None) not in CALLED:
                continue
            names = found.setdefault(node.func.id, set())
            for keyword in node.keywords:
                if keyword.arg is not None:
                    names.add(keyword.arg)
                elif isinstance(keyword.value, ast.Name):
                    names |= keys_of(function, keyword.value.id)
    return found


def keys_of(function, variable):
    """String keys of a dictionary that a function builds: by a literal, by `|=` and by assignment to a key."""
    keys = set()

    def literal(node):
        if isinstance(node, ast.Dict):
            keys.update(key.value for key in node.keys if isinstance(key, ast.Constant))

    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == variable:
                literal(node.value)
            elif isinstance(target, ast.Subscript) and getattr(target.value, "id", None) == variable:
                if isinstance(target.slice, ast.Constant):
                    keys.add(target.slice.value)
    return keys


def devices():
    import torch

    try:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return {
            "count": count,
            "names": [torch.cuda.get_device_name(i) for i in range(count)],
            "architectures": list(torch.cuda.get_arch_list()) if count else [],
            "hip": torch.version.hip,
            "cuda": torch.version.cuda,
            "bf16": bool(torch.cuda.is_bf16_supported()) if count else False,
            "mps": bool(torch.backends.mps.is_available()),
        }
    except Exception as error:
        return {"count": 0, "names": [], "failure": str(error).splitlines()[0][:300]}


if __name__ == "__main__":
    main()
