"""Run the code cells of token-or-hardware on the simulated market, and print the seconds."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "token-or-hardware.ipynb"


def main() -> None:
    """Run them as one script, as a kernel would."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    namespace: dict[str, object] = {"__name__": "__main__"}
    started = time.perf_counter()
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)  # noqa: S102 - our own notebook
    sys.stdout.write(f"{time.perf_counter() - started}\n")


if __name__ == "__main__":
    main()
