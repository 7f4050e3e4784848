"""Events of a script, for lib/core/python.ts: one JSON object a line in the file that $VOICEWORKS_EVENTS names.

Also `follow_parent()`: ends this process when the one that started it is gone.
"""

import json
import math
import os
import signal
import sys
import threading

_PATH = os.environ.get("VOICEWORKS_EVENTS")
_LOCK = threading.Lock()


def emit(type, **fields):
    """Appends one event: log, progress, metric, drop or artifact (lib/core/step.ts). Without a file it is printed."""
    line = json.dumps({"type": type, **fields}, ensure_ascii=False) + "\n"
    if _PATH is None:
        print(line, end="", flush=True)
        return
    with _LOCK, open(_PATH, "a", encoding="utf-8", newline="\n") as file:
        file.write(line)


def log(message, level="info"):
    emit("log", level=level, message=str(message))


def progress(label, done, total=None, unit=None):
    fields = {"label": label, "done": done, "total": total, "unit": unit}
    emit("progress", **{key: value for key, value in fields.items() if value is not None})


def metric(name, value, step=None, unit=None):
    """A figure; one that is not finite becomes a warning, since JSON cannot say it."""
    if not math.isfinite(value):
        log(f"{name} is {value}" + (f" at step {step}" if step is not None else ""), level="warn")
        return
    fields = {"name": name, "value": float(value), "step": step, "unit": unit}
    emit("metric", **{key: value for key, value in fields.items() if value is not None})


def artifact(path, title, rows=None):
    fields = {"path": str(path), "title": title, "rows": rows}
    emit("artifact", **{key: value for key, value in fields.items() if value is not None})


def follow_parent(cleanup=None):
    """Ends this process, and the group that it leads, when standard input ends: then the parent has died.

    `cleanup` is called before, to end what does not belong to the group.
    """

    def watch():
        try:
            # Not sys.stdin: its lock, held by this thread, would break the interpreter's own end.
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        try:
            if cleanup is not None:
                cleanup()
        except Exception as error:  # Nobody is left to read it.
            print(error, file=sys.stderr)
        if os.name == "posix" and os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)

    if sys.stdin is not None:  # As in a process without a console.
        threading.Thread(target=watch, daemon=True).start()
