"""Writes the JSON schema of Axolotl's configuration, from its own classes. Run as:

    python axolotl_schema.py [FILE]        in the environment "axolotl"

`axolotl config-schema` cannot: it falls back to a list without types. Made into lib/presets/gaea/axolotl.schema.json, by
which `gaea:config` refuses unknown keys; Axolotl itself drops them without a word. Datasets are those of fine-tuning on
answers (SFT).
"""

import enum
import importlib
import inspect
import json
import os
import pkgutil
import sys
import types
import typing

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")

import axolotl.integrations
from axolotl.utils.schemas.config import AxolotlInputConfig
from axolotl.utils.schemas.datasets import SFTDataset
from pydantic import BaseModel

PLAIN = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
DATASETS = {"datasets", "test_datasets"}


def schema_of(annotation):
    """The schema of a type; {} allows anything, where JSON has no word for it."""
    if annotation in PLAIN:
        return {"type": PLAIN[annotation]}
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        patterns = [part.pattern for part in args[1:] if isinstance(getattr(part, "pattern", None), str)]
        return {**schema_of(args[0]), **({"pattern": patterns[0]} if patterns else {})}
    if origin is typing.Literal:
        return {"enum": list(args)}
    if origin in (typing.Union, types.UnionType):
        parts = [schema_of(part) for part in args]
        if {} in parts:
            return {}
        unique = [part for at, part in enumerate(parts) if part not in parts[:at]]
        return unique[0] if len(unique) == 1 else {"anyOf": unique}
    if origin in (list, tuple, set) or annotation in (list, tuple, set):
        items = schema_of(args[0]) if args else {}
        return {"type": "array", **({"items": items} if items else {})}
    if origin is dict or annotation is dict:
        return {"type": "object"}
    if inspect.isclass(annotation) and issubclass(annotation, enum.Enum):
        values = [member.value for member in annotation]
        return {"enum": values} if all(type(value) in PLAIN for value in values) else {}
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return object_of([annotation])
    return {}


def object_of(classes):
    properties = {}
    required = []
    for cls in classes:
        for name, field in cls.model_fields.items():
            entry = schema_of(field.annotation)
            if name in DATASETS:
                entry = {"anyOf": [{"type": "array", "items": object_of([SFTDataset])}, {"type": "null"}]}
            other = field.validation_alias
            for key in (name, field.alias, *getattr(other, "choices", [other])):
                if isinstance(key, str):
                    properties.setdefault(key, entry)
            if field.is_required():
                required.append(name)
    loose = any(cls.model_config.get("extra") == "allow" for cls in classes)
    return {
        "type": "object",
        "properties": dict(sorted(properties.items())),
        **({"required": sorted(required)} if required else {}),
        "additionalProperties": loose,
    }


def plugin_classes():
    """What plugins add: liger_*, cut_cross_entropy … Those that cannot be imported here add nothing."""
    found = []
    for module in pkgutil.walk_packages(axolotl.integrations.__path__, "axolotl.integrations."):
        if not module.name.endswith(".args"):
            continue
        try:
            members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        except Exception:
            continue
        found += [cls for name, cls in members if issubclass(cls, BaseModel) and name.endswith("Args")]
    return found


def main(path=None):
    import importlib.metadata

    schema = object_of([AxolotlInputConfig, *plugin_classes()])
    # Plugins require what is theirs; nobody requires the plugins.
    schema["required"] = sorted(name for name, field in AxolotlInputConfig.model_fields.items() if field.is_required())
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Axolotl {importlib.metadata.version('axolotl')}",
        **schema,
    }
    text = json.dumps(schema, indent=2) + "\n"
    if path is None:
        sys.stdout.write(text)
    else:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
