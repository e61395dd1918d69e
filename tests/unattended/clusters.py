"""A Dask cluster of this machine, of real processes, and what runs below its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

START_SECONDS = 60.0
LOCAL = ["--host", "127.0.0.1", "--no-dashboard"]


@contextmanager
def scheduler(room: Path, **settings: str) -> Iterator[str]:
    """Give the address of a scheduler; the settings are Dask's."""
    file = room / "scheduler.json"
    with _started("scheduler", room, "--port", "0", "--scheduler-file", str(file), env=settings):
        until = time.monotonic() + START_SECONDS
        while not file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        yield json.loads(file.read_text())["address"]


@contextmanager
def workers(
    address: str, room: Path, *, number: int, memory: str = "auto", **env: str
) -> Iterator[psutil.Process]:
    """Start workers of a thread each, and give the process above them, which starts them anew."""
    sizes = ["--nworkers", str(number), "--nthreads", "1", "--memory-limit", memory]
    local = ["--local-directory", str(room / "dask")]
    with _started("worker", room, address, *sizes, *local, env=env) as process:
        yield process


@contextmanager
def _started(
    what: str, room: Path, *arguments: str, env: Mapping[str, str]
) -> Iterator[psutil.Process]:
    with (room / f"{what}.log").open("ab") as log:
        process = psutil.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", *LOCAL, *arguments],
            env={**os.environ, "DASK_CONFIG": str(room / "no-settings"), **env},
            cwd=room,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        below = process.children(recursive=True)
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(20)
        for each in (process, *below):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()


def below(temporary: Path) -> list[psutil.Process]:
    """Return what was forked or started to render reports, by the temporary folder that it has."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            is_ours = "research.unattended.warm" in each.cmdline()
            if is_ours and each.environ().get("TMPDIR") == str(temporary):
                found.append(each)
    return found


def left(temporary: Path, seconds: float) -> list[psutil.Process]:
    """Return what of it is still there after some seconds."""
    until = time.monotonic() + seconds
    while below(temporary) and time.monotonic() < until:
        time.sleep(0.1)
    return below(temporary)
