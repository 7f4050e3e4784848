"""What the parts of a training share. Loaded before torch is, so that a wish to stop is heard from the beginning."""

import signal
from pathlib import Path


class Run:
    """What the parts of a training share."""

    def __init__(self, config):
        self.identity = config["identity"]
        self.keep = config["recipe"].get("saveTotalLimit")
        self.patience = config["recipe"]["earlyStopping"]
        self.stop_file = Path(config["stopFile"])
        self.signalled = False
        self.stopped = False
        self.ended_early = False
        self.checkpoint = None
        self.evaluation = None
        # Seconds that went into evaluations and checkpoints.
        self.paused = 0.0

    def catch_signals(self):
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._signalled)

    def _signalled(self, *_):
        self.signalled = True

    def asked_to_stop(self):
        # Windows has no signal that a program could be asked with; the file does everywhere.
        return self.signalled or self.stop_file.exists()
