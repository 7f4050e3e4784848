"""Loads a configuration by Axolotl's own code, and says what it finds wrong, a fault a line. Run as: check_axolotl.py FILE"""

import os
import sys

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")

import events


def main(path):
    from axolotl.cli.config import load_cfg
    from pydantic import ValidationError

    try:
        load_cfg(path)
    except ValidationError as error:
        for fault in error.errors():
            place = ".".join(map(str, fault["loc"])) or "configuration"
            events.log(f"{place}: {fault['msg']}", level="error")
        sys.exit(2)


if __name__ == "__main__":
    events.follow_parent()
    main(sys.argv[1])
