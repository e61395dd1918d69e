"""Writes notebooks for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(path: Path, *sources: str) -> Path:
    """Write a notebook; a cell that starts with # is text, one with `: ` types parameters."""
    kernel = {"name": "from-another-machine", "display_name": "R", "language": "python"}
    content = {
        "cells": [_cell(at, source) for at, source in enumerate(sources)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _cell(at: int, source: str) -> dict[str, Any]:
    base: dict[str, Any] = {"id": f"cell-{at}", "metadata": {}, "source": source}
    if source.startswith("# "):
        return base | {"cell_type": "markdown"}
    if source.startswith("from research.parameters"):
        base["metadata"] = {"tags": ["parameters"]}
    return base | {"cell_type": "code", "execution_count": None, "outputs": []}
