"""Run every benchmark of this folder, each in its own process; exits 1 if a limit is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run them in the order of their names."""
    scripts = sorted(Path(__file__).parent.glob("bench_*.py"))
    return max(
        subprocess.run([sys.executable, script], check=False).returncode for script in scripts
    )


if __name__ == "__main__":
    raise SystemExit(main())
