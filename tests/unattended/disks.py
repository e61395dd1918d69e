"""Disks that take no more, for one command alone: nobody else sees them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LIMITED = """
import os, resource, sys
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
os.execv(sys.argv[2], sys.argv[2:])
"""
MOUNTED = (
    'set -e; at="$1"; shift; {do}; code=0; "$@" || code=$?; cp -a "$at" "$at.after"; exit $code'
)
READ_ONLY = 'mount --bind "$at" "$at"; mount -o remount,bind,ro "$at"'
FULL = (  # a small disk with a copy of what was there, and all that is left of it taken
    'cp -a "$at" "$at.copy"; mount -t tmpfs -o size=200k tmpfs "$at"; cp -a "$at.copy/." "$at"; '
    'head -c 1000000 /dev/zero > "$at/taken" 2>/dev/null || true'
)


def can_mount() -> bool:
    """Say whether this user may mount something that nobody else sees."""
    tried = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(tried, check=False, capture_output=True).returncode == 0
    )


def limited(most: int) -> list[str]:
    """Return what starts a command that can write no file beyond so many bytes."""
    return [sys.executable, "-c", LIMITED, str(most)]


def mounted(do: str, at: Path) -> list[str]:
    """Return what starts a command that sees something else at a folder."""
    return ["unshare", "-rm", "sh", "-c", MOUNTED.format(do=do), "sh", str(at)]


mounts = pytest.mark.skipif(not can_mount(), reason="this user may not mount a file system")
