"""Talks to a Deno kernel like JupyterLab does, for notebooks_test.ts.

Reads cells as a JSON list from standard input: {"code", "interruptAfter"?, "timeout"?}; prints what became of each.
Run as: python kernel_client.py DENO FOLDER
"""

import asyncio
import json
import sys

sys.path.insert(0, sys.argv[3])
from jupyter_client import AsyncKernelManager
from run_notebook import DenoSpec


async def main():
    manager = AsyncKernelManager(kernel_name="deno", kernel_spec_manager=DenoSpec())
    manager.kernel_spec_manager.deno = sys.argv[1]
    await manager.start_kernel(cwd=sys.argv[2])
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    results = []
    for cell in json.load(sys.stdin):
        outputs = []

        def hook(message):
            if message["msg_type"] in ("stream", "execute_result", "display_data", "update_display_data", "error"):
                outputs.append({"type": message["msg_type"], **message["content"]})

        async def interrupt(seconds):
            await asyncio.sleep(seconds)
            await manager.interrupt_kernel()

        if "interruptAfter" in cell:
            asyncio.ensure_future(interrupt(cell["interruptAfter"]))
        try:
            reply = await client.execute_interactive(cell["code"], output_hook=hook, timeout=cell.get("timeout", 20))
            status = reply["content"]["status"]
            said = reply["content"].get("evalue", "") + "\n".join(reply["content"].get("traceback", []))
        except (TimeoutError, RuntimeError) as error:
            status, said = type(error).__name__, str(error)
        await asyncio.sleep(0.3)
        while await client.iopub_channel.msg_ready():
            hook(await client.iopub_channel.get_msg(timeout=1))
        results.append({"status": status, "said": said, "outputs": outputs, "alive": await manager.is_alive()})
    client.stop_channels()
    if await manager.is_alive():
        await manager.shutdown_kernel(now=True)
    print(json.dumps(results))


asyncio.run(main())
