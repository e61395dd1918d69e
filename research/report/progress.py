"""How far a notebook came, and in which words it is said that it came no further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from papermill.engines import NBClientEngine, papermill_engines

from research.errors import QualityError, RenderError, ResearchError, TimedOutError
from research.parameters import Schema
from research.report.surroundings import Limits

if TYPE_CHECKING:
    from papermill import PapermillExecutionError

ENGINE = "gpu-depin-research"
MARKER = "papermill-error-cell-tag"  # of cells that papermill puts beside the one that failed
NOTHING = "; nothing was published"


class Halted(Exception):  # noqa: N818 - the cause of an error, never raised by itself
    """A notebook that did not run to its end, with its outputs so far."""

    def __init__(self, notebook: Any, at: int, cell: int) -> None:
        super().__init__(f"cell {cell}")
        self.notebook, self.at, self.cell = notebook, at, cell  # of nbformat; from 0; as we count


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Papermill's own, which lets the notebook be had while it runs."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, progress: Progress, **options: Any
    ) -> None:
        """Remember the notebook and run it."""
        progress.notebook = nb_man.nb
        super().execute_managed_notebook(nb_man, kernel_name, **options)


papermill_engines.register(ENGINE, Engine)


@dataclass(kw_only=True)
class Progress:
    """The cell that a run has come to."""

    accepted: Schema
    is_injected: bool  # papermill puts changed parameters into a cell of their own
    notebook: Any = None  # of nbformat
    at: int = field(default=0)  # from 0

    @property
    def cell(self) -> int:
        """Which cell of the notebook as written it is, from 1."""
        position = self.at + 1
        return position - 1 if self.is_injected and position > self.accepted.cell else position

    def halted(self) -> Halted:
        """Return the notebook as it is now, and where it stopped."""
        if self.notebook is not None:
            cells = self.notebook.cells
            self.notebook.cells = [
                cell for cell in cells if MARKER not in cell.metadata.get("tags", [])
            ]
        return Halted(self.notebook, self.at, self.cell)

    def failed(self, error: PapermillExecutionError) -> ResearchError:
        """Return our error for a cell that raised one: which cell, and why."""
        self.at = error.cell_index
        told = QualityError if error.ename == QualityError.__name__ else RenderError
        ours = {cls.__name__ for cls in _family(ResearchError)}
        kind = "" if error.ename in ours else f"{error.ename}: "
        reason = " ".join(str(error.evalue).split()) or "no reason given"
        return told(f"{self._name}, cell {self.cell}: {kind}{reason:.500}{NOTHING}")

    def stopped(self, error: Exception, limits: Limits | None) -> RenderError:
        """Return our error for a kernel that did not answer: its time was up, or it is gone."""
        from nbclient.exceptions import CellTimeoutError

        if limits is not None and isinstance(error, CellTimeoutError):
            return TimedOutError(f"{self._name}, cell {self.cell}: {limits.broken()}{NOTHING}")
        why = f"the kernel died in cell {self.cell} ({error}); out of memory?"
        return RenderError(f"{self._name}: {why}")

    @property
    def _name(self) -> str:
        return self.accepted.notebook.stem


def _family(cls: type[Exception]) -> Iterator[type[Exception]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)
