"""The words that the tables of the catalogue are written in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.types import Strict

Text = Annotated[str, Strict(), StringConstraints(pattern=r"\S")]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Count = Annotated[int, Strict()]
Day = Annotated[dt.date, Strict()]
Flag = Annotated[bool, Strict()]

Grade = Literal["A", "B", "C", "D"]
"""A measured by us or a first-party document; B published elsewhere and read; C one person's word
or of low trust; D an assumption, or from memory."""


@dataclass(frozen=True, kw_only=True)
class Strictly:
    """A table in which an unknown key is an error."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
