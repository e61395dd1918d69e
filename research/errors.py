"""Every error we raise on purpose: what was asked, what was found, what to do."""

from __future__ import annotations

import re
from typing import ClassVar

_PLURAL = re.compile(r"\b(day|week|month|period|path|price|return|value|trial)s\b")


class ResearchError(Exception):
    """Base of every error raised on purpose; the command prints its text and no traceback."""

    exit_code: ClassVar[int] = 1


class UsageError(ResearchError, ValueError):
    """The caller asked for something that does not exist or cannot be: exit code 2."""

    exit_code: ClassVar[int] = 2


class ParameterError(UsageError):
    """A notebook parameter is unknown, of the wrong type or out of range."""


class CatalogueError(ResearchError, ValueError):
    """A catalogue file is wrong; the text names file, line and reason."""


class DataError(ResearchError, ValueError):
    """Observations that cannot be true, such as a price of zero."""


class RefusedFileError(DataError):
    """A file was not imported, not even in part; the text names file, row and reason."""

    exit_code: ClassVar[int] = 2


class StoreError(ResearchError):
    """The store cannot be read or written."""


class QualityError(DataError):
    """What a result would rest on fails a check of quality: exit code 3."""

    exit_code: ClassVar[int] = 3


class NoDataError(DataError):
    """The store holds nothing for a series that was asked for."""


class InsufficientDataError(ResearchError, ValueError):
    """A model was given fewer observations than it can say anything about."""

    def __init__(self, model: str, *, nobs: int, required: int, unit: str = "days") -> None:
        one = _PLURAL.sub(r"\1", unit, count=1) if nobs == 1 else unit
        super().__init__(f"{model}: {nobs} {one}, {required} needed; widen the window")
        self.clause = f"{model} needs {required} {unit} and has {nobs}"  # for a reader of a report


class InfeasibleError(ResearchError, ValueError):
    """A question that has no answer as posed, such as a rig that the capital cannot buy."""


class RenderError(ResearchError):
    """A notebook did not run to its end, so nothing was published."""


class AlertError(ResearchError):
    """Nobody can be told anything, as what was told before cannot be read or written."""


class TimedOutError(RenderError):
    """It took longer than it may."""


class SourceError(ResearchError):
    """An upstream did not answer a question; the text names source, question and reason."""

    outcome: ClassVar[str] = "failed"

    def __init__(self, source: str, what: str, reason: str) -> None:
        super().__init__(f"{source}, {what}: {self.outcome} ({reason})")
        self.source, self.what, self.reason = source, what, reason


class UnavailableError(SourceError):
    """It cannot be reached, refuses, or fails."""

    outcome: ClassVar[str] = "unavailable"


class NeedsKeyError(SourceError):
    """It wants a key that is missing or not accepted."""

    outcome: ClassVar[str] = "needs key"


class RateLimitedError(SourceError):
    """It was asked too often, and waiting would take longer than we may wait."""

    outcome: ClassVar[str] = "rate limited"


class SchemaChangedError(SourceError):
    """It answered in a shape that we do not know."""

    outcome: ClassVar[str] = "schema changed"


class EmptyError(SourceError):
    """It answered, and has nothing."""

    outcome: ClassVar[str] = "empty"


class SwitchedOffError(SourceError):
    """It is not documented by its owner, so it is asked only if the user switches it on."""

    outcome: ClassVar[str] = "switched off"
