"""How a result of this package prints itself in a notebook."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pandas as pd


class Shown:
    """Base of the frozen results: one labelled value a line."""

    def summary(self) -> pd.Series[Any]:
        """Return the scalar fields, those of nested results with the outer name before them."""
        return pd.Series(dict(_lines(self)), name=type(self).__name__, dtype=object)

    def _repr_html_(self) -> str:
        return self.summary().to_frame().to_html()


def _lines(result: Any, before: str = "") -> list[tuple[str, Any]]:
    lines: list[tuple[str, Any]] = []
    for field in fields(result):
        value = getattr(result, field.name)
        name = f"{before}{field.name}"
        if is_dataclass(value):
            lines += _lines(value, f"{name}.")
        elif isinstance(value, float):
            lines.append((name, f"{value:.4g}"))
        elif not isinstance(value, pd.Series | pd.DataFrame):
            lines.append((name, value))
    return lines
