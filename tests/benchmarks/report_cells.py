"""Run the code cells of a notebook on the simulated market as one script, and print the seconds."""

from __future__ import annotations

import json
import sys
import time

from research.report.render import find


def main(notebook: str) -> None:
    """Run them as a kernel would."""
    cells = json.loads(find(notebook).read_text(encoding="utf-8"))["cells"]
    namespace: dict[str, object] = {"__name__": "__main__"}
    started = time.perf_counter()
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)  # noqa: S102 - our own notebook
    sys.stdout.write(f"{time.perf_counter() - started}\n")


if __name__ == "__main__":
    main(sys.argv[1])
