"""Runs a launcher's module with the arguments that follow, as `python -m` does: accelerate.commands.launch or
torch.distributed.run. Called by lib/training/train.ts.
"""

import runpy
import sys

import events

if __name__ == "__main__":
    events.follow_parent()
    module = sys.argv[1]
    sys.argv = [module, *sys.argv[2:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
