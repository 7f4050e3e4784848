"""Validates a configuration by Axolotl's own code, and says what it finds wrong, a fault a line. Run as:
check_axolotl.py FILE

`load_cfg` would go on to fetch the base model's configuration, which needs a network and an account for Llama; the rules
are all in `validate_config`.
"""

import os
import sys

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")

import events


def main(path):
    import yaml
    from axolotl.cli.config import gpu_capabilities, prepare_plugins
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault
    from pydantic import ValidationError

    with open(path, encoding="utf-8") as file:
        config = DictDefault(yaml.safe_load(file))
    prepare_plugins(config)
    capabilities, environment = gpu_capabilities()
    try:
        validate_config(config, capabilities=capabilities, env_capabilities=environment)
    except ValidationError as error:
        for fault in error.errors():
            place = ".".join(map(str, fault["loc"])) or "configuration"
            events.log(f"{place}: {fault['msg']}", level="error")
        sys.exit(2)


if __name__ == "__main__":
    events.follow_parent()
    main(sys.argv[1])
