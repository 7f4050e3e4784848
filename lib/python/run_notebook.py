"""Runs one Deno notebook from top to bottom. Called by lib/core/notebook_run.ts.

Stock nbclient loses output of Deno cells: the kernel says "idle" before its streams and results have been sent, and
nbclient stops listening there. This client goes on until a mark that it prints itself has come by.

A notebook fails, with exit code 3, on
- an error thrown by a cell, a syntax error, a dead kernel, or a cell that takes longer than --timeout;
- a cell that ends in an expression and shows nothing, unless it is tagged "quiet";
- a promise that was rejected and not awaited.
"""

import argparse
import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from queue import Empty

import events
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellExecutionError, CellTimeoutError, DeadKernelError

FAILED = 3

# Messages that carry output; the kernel may parent a late one to the mark instead of to its cell.
OUTPUT = {"stream", "display_data", "update_display_data", "execute_result", "error", "clear_output"}
# After the mark a result may still follow: it takes another way through the kernel. Seconds.
QUIET = 0.1
# How long the mark may take on a machine that is busy. Seconds.
PATIENCE = 20

MARK = re.compile(r"\x1evoiceworks (\[.*\])\x1e\n?")
# Runs after each cell: tells the rejections since the last one. The recorder comes with the first.
PROBE = r"""{
  const key = Symbol.for("voiceworks.rejections");
  if (!globalThis[key]) {
    globalThis[key] = [];
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      const { reason } = event;
      globalThis[key].push(String(reason instanceof Error ? reason.stack ?? reason : reason));
    });
  }
  console.log("\x1evoiceworks " + JSON.stringify(globalThis[key].splice(0)) + "\x1e");
}
undefined;
"""


class Failure(Exception):
    """The notebook does not hold; the message is for its author."""


class Drained(NotebookClient):
    """A client that keeps all output of a cell, and knows of rejected promises."""

    rejections: list[str]

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        while True:
            message = await self.kc.iopub_channel.get_msg(timeout=None)
            if message["parent_header"].get("msg_id") != parent_msg_id:
                continue
            try:
                self.process_message(message, cell, cell_index)
            except CellExecutionComplete:
                break
        self.rejections += await self.drain(lambda message: self.process_message(message, cell, cell_index))

    async def drain(self, take):
        """Prints the mark and takes all output until a little after it; answers what the mark says."""
        self.kc.execute(PROBE, store_history=False, stop_on_error=False)
        rejections = None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            wait = QUIET if rejections is not None else deadline - time.monotonic()
            try:
                message = await self.kc.iopub_channel.get_msg(timeout=wait)
            except Empty:
                break
            if message["msg_type"] not in OUTPUT:
                continue
            if message["msg_type"] == "stream":
                text = message["content"]["text"]
                found = MARK.search(text)
                if found:
                    rejections = json.loads(found[1])
                    text = text[: found.start()] + text[found.end() :]
                    message["content"]["text"] = text
                if text == "":
                    continue
            take(message)
        return rejections or []

    async def async_execute_cell(self, cell, cell_index, **options):
        if self.code_cells_executed == 0:
            await self.drain(lambda message: None)  # Sets the recorder up.
        self.rejections = []
        try:
            result = await super().async_execute_cell(cell, cell_index, **options)
            if cell_index == len(self.nb.cells) - 1:
                # Once more, for what the last cell left to fail a moment later.
                self.rejections += await self.drain(lambda message: self.process_message(message, cell, cell_index))
            return result
        finally:
            if self.rejections:
                raise Failure(f"{where(self.nb, cell)}: a promise was rejected and not awaited\n" + self.rejections[0])


class DenoSpec(KernelSpecManager):
    """Every kernel is this Deno, whatever is installed."""

    deno = "deno"

    def get_kernel_spec(self, kernel_name):
        argv = [self.deno, "jupyter", "--kernel", "--conn", "{connection_file}"]
        # NO_COLOR: else text results hold colour codes.
        return KernelSpec(argv=argv, display_name="Deno", language="typescript", env={"NO_COLOR": "1"})


def where(notebook, cell):
    """`cell 3 ("const x = …")`, counting code cells, as Jupyter's own numbers do."""
    code = [other for other in notebook.cells if other.cell_type == "code"]
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    return f"cell {code.index(cell) + 1} ({json.dumps(first[:60], ensure_ascii=False)})"


STATEMENT = re.compile(
    r"(export|import|const|let|var|function|async\s+function|class|type|interface|enum|declare|namespace"
    r"|if|for|while|do|switch|try|throw|using|await\s+using)\b(?!\s*\()"
    r"|(if|for|while|switch)\s*\(|for\s+await\b"
)
# Strings, templates and comments: their lines are not statements.
LITERAL = re.compile(r"//[^\n]*|/\*.*?\*/|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def must_show(cell):
    """Whether the cell ends in an expression and is not tagged "quiet".

    In formatted code a statement starts in the first column, with neither a closing bracket nor an operator.
    """
    if "quiet" in cell.metadata.get("tags", []):
        return False
    code = LITERAL.sub(lambda found: "" if found[0][0] == "/" else '""', cell.source)
    starts = [line for line in code.splitlines() if line[:1].strip() and not line.startswith(tuple("})].,;:?&|+-*/"))]
    return bool(starts) and not STATEMENT.match(starts[-1])


def is_shown(output):
    return output.output_type != "stream" or output.text.strip() != ""


async def run(notebook, name, folder, deno, timeout):
    """Executes the notebook in place; raises Failure."""
    manager = AsyncKernelManager(kernel_name="deno", kernel_spec_manager=DenoSpec())
    manager.kernel_spec_manager.deno = deno
    events.follow_parent(lambda: kill(manager))
    total = sum(cell.cell_type == "code" and cell.source.strip() != "" for cell in notebook.cells)
    done = 0

    def executed(cell, cell_index, execute_reply):
        nonlocal done
        done += 1
        events.progress(name, done, total, "cells")

    client = Drained(
        notebook,
        km=manager,
        timeout=timeout,
        # Draining has its own limit; nbclient must not cut it short.
        iopub_timeout=2 * PATIENCE,
        coalesce_streams=True,
        record_timing=False,
        # Anything gentler leaves a child process of the kernel running.
        shutdown_kernel="immediate",
        resources={"metadata": {"path": folder}},
        on_cell_executed=executed,
    )
    client.rejections = []
    current = None

    def started(cell, cell_index):
        nonlocal current
        if cell.cell_type == "code":
            current = cell

    client.on_cell_start = started
    events.progress(name, 0, total, "cells")
    try:
        # The kernel manager is ours, so nbclient leaves it running: the shutdown below is the one.
        await client.async_execute(cleanup_kc=True)
    except CellExecutionError as error:
        raise Failure(f"{where(notebook, current)} threw\n{thrown(current, error)}") from error
    except CellTimeoutError as error:
        raise Failure(f"{where(notebook, current)} took longer than {timeout} s (--timeout)") from error
    except DeadKernelError as error:
        at = f" in {where(notebook, current)}" if current else ""
        raise Failure(f"the kernel died{at}") from error
    finally:
        if await manager.is_alive():
            await manager.shutdown_kernel(now=True)
    for cell in notebook.cells:
        if cell.cell_type == "code" and must_show(cell) and not any(map(is_shown, cell.outputs)):
            hint = 'end it in a value or a declaration, or tag it "quiet"'
            raise Failure(f"{where(notebook, cell)} shows nothing: {hint}")


def kill(manager):
    """The kernel leads a process group of its own: it must be ended by name."""
    process = getattr(manager.provisioner, "process", None)
    if process is None or process.poll() is not None:
        return
    if os.name == "posix":
        import signal

        os.killpg(os.getpgid(process.pid), signal.SIGKILL)
    else:
        process.kill()


def thrown(cell, error):
    """What a cell threw, with its stack where the kernel tells it."""
    stacks = ["\n".join(output.traceback) for output in cell.outputs if output.output_type == "error"]
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(stacks)).strip() or f"{error.ename}: {error.evalue}".strip(": ")
    # All that the kernel says of a syntax error.
    return f"{text} (the cell does not parse: deno task ok names the line)" if text.endswith("Execution failed") else text


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


def to_html(notebook, title):
    """One page that needs no network."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="lab", mathjax_url="", require_js_url="", jquery_url="")
    body, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return body


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--deno", required=True, help="the Deno that is the kernel")
    parser.add_argument("--output", type=Path, required=True, help="where the executed copy goes")
    parser.add_argument("--html", type=Path, help="where the page goes")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that a cell may take")
    options = parser.parse_args()
    notebook = nbformat.read(options.notebook, as_version=4)
    name = options.notebook.stem
    failure = None
    try:
        asyncio.run(run(notebook, name, str(options.notebook.parent.resolve()), options.deno, options.timeout))
    except Failure as error:
        failure = error
    # Also of one that failed: it shows where.
    write(options.output, nbformat.writes(notebook) + "\n")
    events.artifact(options.output, f"{name}, executed")
    if options.html:
        write(options.html, to_html(notebook, name))
        events.artifact(options.html, f"{name} as a page")
    if failure:
        print(failure, file=sys.stderr)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
