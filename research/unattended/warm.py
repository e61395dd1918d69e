"""The warm process: has the imports of a report done, and is forked once for each report.

Started as `python -m research.unattended.warm SOCKET`. It computes nothing of a report, keeps no
setting and runs no thread of Python's, so that what is forked from it is as good as new. It is
ready once it has what every report needs, and imports the rest whenever nobody asks.
"""

from __future__ import annotations

import datetime as dt
import gc
import importlib
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from research.errors import ResearchError
from research.report import kernel

READY = b"ready"
LIBRARIES = (  # what every notebook imports, or what they call imports later
    *("numpy", "pandas", "scipy.optimize", "pandera.pandas", "deltalake", "pyxirr", "bs4"),
    *("plotly.graph_objects", "plotly.io", "pyarrow.parquet", "nbconvert", "papermill"),
    *("papermill.engines", "jupyter_client.manager", "jupyter_client.asynchronous"),
    *("tornado.platform.asyncio", "ipykernel.kernelapp", "ipykernel.debugger"),
    *("IPython.core.completer", "IPython.core.oinspect", "IPython.core.debugger"),
    "IPython.extensions.storemagic",
)
OURS = (
    *("research.sample", "research.holdings", "research.overview", "research.profile"),
    *("research.doubts", "research.earnings", "research.case", "research.figures.market"),
)
MAKING = ("research.report", "research.unattended")
ECONOMETRICS = ("scipy.stats", "statsmodels.api", "arch", "ruptures", "research.link")
THE_REST = ("research.models", "research.figures", "research.case", "research.earnings")
SCRIPT = "research.unattended.warm"


def environment() -> dict[str, str]:
    """Return the variables that it needs beside ours.

    Two reports at once with a thread for each core in each are slower than one after the other.
    """
    threads = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
    return {f"{name}_NUM_THREADS": "1" for name in threads} | {
        "PLOTLY_RENDERER": "plotly_mimetype",  # read when Plotly is imported
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # as ipykernel sets it
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else a debugger that nobody uses warns
    }


def preload() -> None:
    """Import what reports need, and compute what is the same in all of them."""
    with kernel.without_iri_grammar():
        from research.report import html
    with ThreadPoolExecutor(1) as other:
        compressed = other.submit(html.plotly_js)  # half a second in which it lets others import
        for name in (*LIBRARIES, *OURS, *_within(*MAKING)):
            importlib.import_module(name)
        _rehearse()
        compressed.result()


def _rehearse() -> None:
    """Do what is put off until it is needed for the first time."""
    import nbformat
    import pandas as pd
    import plotly.graph_objects as go
    import plotly.io
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    from research import catalogue, frames
    from research.config import settings
    from research.figures import theme
    from research.report import guard, html, manifest

    for schema in (frames.Observations, frames.Prices, frames.Panel):
        schema.to_schema()
    frames.conform(frames.Observations.empty(), frames.Observations)
    day = pd.Series([1.0], index=pd.DatetimeIndex(["2026-01-01"]))
    figure = go.Figure([go.Scatter(x=day.index, y=day, line={"width": 1}), go.Bar(x=["a"], y=day)])
    figure.update_layout(template=theme.TEMPLATE, title="a", xaxis_title="b").add_annotation(
        text=""
    )
    plotly.io.renderers["plotly_mimetype"].to_mimebundle(figure.to_dict())
    KernelProvisionerFactory.instance()
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "| `b` |\n|---|\n| c |"}
    from_dict: Any = nbformat.from_dict  # which has no types
    notebook = from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
    nbformat.validate(notebook)
    html.page(
        notebook, name="a", parameters=(), simulated=False, rendered_at=dt.datetime.now(dt.UTC)
    )
    manifest.installed()
    guard.our_words()
    with suppress(ResearchError):  # each report says by itself what is wrong with it
        catalogue.load()
    settings.cache_clear()  # a report of then has others


def _later() -> Iterator[str]:
    """Yield what only some reports need, to be imported while the first ones are made."""
    yield from ECONOMETRICS
    yield from _within(*THE_REST)


def _within(*packages: str) -> Iterator[str]:
    for package in packages:
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if found.name != SCRIPT:
                yield found.name


def main(control: socket.socket) -> None:
    """Fork a minder for each connection that comes over `control`, until that is closed."""
    preload()
    from research.unattended import minder

    minder.adopt_orphans()  # those of a minder that is killed
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how one of them ended
    gc.collect()
    gc.freeze()
    minders, later = set(), _later()
    control.sendall(READY)
    while True:
        is_asked = select.select([control], [], [], 0)[0]
        if not is_asked and (name := next(later, None)) is not None:
            importlib.import_module(name)
            gc.freeze()
            continue
        if threading.active_count() > 1:  # what is forked would lack it, and its locks stay held
            raise SystemExit(f"a thread runs after the imports: {threading.enumerate()}")
        said, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not said:
            break
        pid = os.fork()
        if pid == 0:
            _mind(control, descriptors[0])
        minders.add(pid)
        os.close(descriptors[0])
    for pid in minders:  # each sees by itself that nobody waits for it
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
    minder.end_all()


def _mind(control: socket.socket, descriptor: int) -> None:
    from research.unattended import minder

    try:
        control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        minder.mind(Connection(descriptor))
    except BaseException:  # noqa: BLE001 - the end of a process, and nobody above to tell
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
