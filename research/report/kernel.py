"""The process that a report's notebook runs in: this interpreter's, and nobody else's settings.

Started as `python -m research.report.kernel -f CONNECTION_FILE`.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from research.imports import without
from research.report.surroundings import given

BEFORE_ARGUMENTS = 3  # python -m research.report.kernel
SOCKET_PATH_LIMIT = 90  # bytes; the system's own limit on a socket's path is 104 or 108


def without_iri_grammar() -> AbstractContextManager[None]:
    """Import `nbformat` within this block to save 1.3 s.

    Where jupyterlab is installed, `jsonschema` imports `rfc3987_syntax`, which compiles a grammar
    of international URLs; a notebook has no such field. `jsonschema` does without if it is missing.
    """
    return without("rfc3987_syntax")


@contextmanager
def started(folder: Path, settings: Mapping[str, str]) -> Iterator[Any]:
    """Start a kernel whose files are in `folder`, give its manager, and end it in any case.

    Parameters
    ----------
    settings : variables of its environment, beside and instead of ours
    """
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    class OwnSpec(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - always ours
            """Return this interpreter, whatever is installed under `kernel_name`."""
            return KernelSpec(
                argv=[
                    *[sys.executable, "-m", "research.report.kernel", "-f", "{connection_file}"],
                    "--HistoryManager.enabled=False",
                ],
                display_name="Python",
                language="python",
                env={  # nothing is read from or written to the user's own profile
                    "IPYTHONDIR": str(folder / "ipython"),
                    "PLOTLY_RENDERER": "plotly_mimetype",
                    **settings,
                },
            )

    class Client(AsyncKernelClient):
        async def wait_for_ready(self, timeout: float | None = None) -> None:
            """Return once its answer came, on both channels.

            As the base does, which then waits 0.2 s more, that nothing else may come: what does
            belongs to no cell, and is not taken for a cell's.
            """
            until = time.monotonic() + (math.inf if timeout is None else timeout)
            while time.monotonic() < until:
                self.kernel_info()
                with suppress(Empty):
                    answer = await self.shell_channel.get_msg(timeout=1)
                    if answer["msg_type"] == "kernel_info_reply":
                        await self.iopub_channel.get_msg(timeout=0.2)
                        self._handle_kernel_info_reply(answer)
                        return
                if not await self.is_alive():
                    raise RuntimeError("it died before it was ready")
            raise RuntimeError(f"it was not ready after {timeout:g} s")

    class Manager(AsyncKernelManager):
        clients: list[Any] = []  # noqa: RUF012 - this class has one instance

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            """Launch it as this process was told to."""
            start, provisioner = given().start, self.provisioner
            if start is None or provisioner is None:
                await super()._async_launch_kernel(kernel_cmd, **options)
                return
            process = start(kernel_cmd[BEFORE_ARGUMENTS:], options["env"], options["cwd"])
            provisioner.process = process  # type: ignore[attr-defined]  # of a LocalProvisioner
            self._reconcile_connection_info(provisioner.connection_info)

        _launch_kernel = _async_launch_kernel

        def client(self, **options: Any) -> Any:
            """Return a client, to be closed with the kernel."""
            self.clients.append(super().client(**options))
            return self.clients[-1]

    local = sys.platform != "win32" and len(str(folder).encode()) < SOCKET_PATH_LIMIT
    manager = Manager(
        client_factory=Client,
        kernel_name="python3",
        kernel_spec_manager=OwnSpec(),
        connection_file=str(folder / "kernel.json"),
        transport="ipc" if local else "tcp",  # over TCP, ipykernel warns that others could listen
    )
    (folder / "work").mkdir()
    # What the process itself prints goes to our stderr: our stdout is the answer of the command.
    run_sync(manager.start_kernel)(cwd=str(folder / "work"), stdout=2, stderr=2)

    async def end() -> None:
        # What an interrupt left waiting for the kernel would complain of its end.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for client in manager.clients:
            client.stop_channels()
        await manager.shutdown_kernel(now=True)

    try:
        yield manager
    finally:
        run_sync(end)()


def serve(arguments: Sequence[str] | None = None) -> None:
    """Be a kernel until it is told to end; the arguments are those of the command line."""
    with without_iri_grammar():
        import nbformat  # noqa: F401 - Plotly imports it to display a figure
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(None if arguments is None else list(arguments))


if __name__ == "__main__":
    serve()
