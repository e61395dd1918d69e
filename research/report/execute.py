"""Runs a notebook in a kernel of its own, and asks it afterwards what it read."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from research.errors import QualityError, RenderError, ResearchError
from research.parameters import Schema
from research.report import facts, kernel

if TYPE_CHECKING:
    from papermill import PapermillExecutionError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Ran(Generic[T]):
    """A notebook that ran to its end."""

    notebook: Any  # of nbformat, with its outputs and without what we added
    read: dict[str, Any]  # see `facts.told`
    beside: T  # what was made while it ran
    seconds: float  # from the start of the kernel to its end


def execute(
    source: bytes,
    accepted: Schema,
    changed: Mapping[str, object],
    *,
    store: str | None,
    beside: Callable[[], T],
    tell: Callable[[str], None],
    settings: Mapping[str, str] | None = None,
) -> Ran[T]:
    """Run a notebook.

    Parameters
    ----------
    source : the notebook's file
    accepted : what it says that it accepts
    changed : parameters other than the notebook's own, as papermill can write them
    store : that the notebook reads, None if it has no such parameter
    beside : called in a thread while the cells run
    tell : told what is being done, in a few words
    settings : variables of the environment that the notebook finds instead of ours

    Raises
    ------
    QualityError : if a cell refused its data
    RenderError : if another failed or the kernel died
    """
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="research-") as name,
        ThreadPoolExecutor(1) as other,
        kernel.started(folder := Path(name), settings or {}) as manager,
    ):
        with kernel.without_iri_grammar():  # while the kernel starts
            import papermill
        # it warns of each parameter with a union for a type, which it cannot read; ours are checked
        logging.getLogger("papermill").setLevel(logging.ERROR)
        notebook = folder / "notebook.ipynb"  # papermill reads braces in a path as parameters
        notebook.write_text(facts.asking(source, store), encoding="utf-8")
        preparing = other.submit(beside)
        try:
            run = papermill.execute_notebook(
                str(notebook),
                None,
                dict(changed),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                iopub_timeout=60,  # seconds; its 4 are too few for a machine under load
                stderr_file=sys.stderr,
                km=manager,
                on_cell_start=lambda cell_index, **_: tell(f"cell {cell_index + 1}"),
            )
        except papermill.PapermillExecutionError as error:
            told = QualityError if error.ename == QualityError.__name__ else RenderError
            raise told(_failure(accepted, changed, error)) from error
        except (RuntimeError, TimeoutError) as error:  # nbclient's, of a kernel that is gone
            what = accepted.notebook.stem
            raise RenderError(f"{what}: the kernel died ({error}); out of memory?") from error
        tell("writing the page")
        made = preparing.result()
    read = facts.told(run.cells.pop())
    return Ran(notebook=run, read=read, beside=made, seconds=time.perf_counter() - began)


def _failure(
    accepted: Schema, injected: Mapping[str, object], error: PapermillExecutionError
) -> str:
    """Say in one line which cell failed and why."""
    position = error.cell_index + 1
    if injected and position > accepted.cell:
        position -= 1  # papermill puts the changed parameters into a cell of their own
    ours = {cls.__name__ for cls in _family(ResearchError)}
    kind = "" if error.ename in ours else f"{error.ename}: "
    reason = " ".join(str(error.evalue).split()) or "no reason given"
    return f"{accepted.notebook.stem}, cell {position}: {kind}{reason:.500}; nothing was published"


def _family(cls: type[Exception]) -> Iterator[type[Exception]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)
