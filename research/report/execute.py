"""Runs a notebook in a kernel of its own, and asks it afterwards what it read."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from research.parameters import Schema
from research.report import facts, kernel
from research.report.surroundings import given, temporary_folder

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
    TimedOutError : if one took longer than this process was given
    RenderError : if another failed or the kernel died

    The cause of each is a `progress.Halted`.
    """
    began = time.perf_counter()
    with (
        temporary_folder() as folder,
        ThreadPoolExecutor(1) as other,
        kernel.started(folder, settings or {}) as manager,
    ):
        with kernel.without_iri_grammar():  # while the kernel starts
            import papermill

            from research.report.progress import ENGINE, Progress
        # it warns of each parameter with a union for a type, which it cannot read; ours are checked
        logging.getLogger("papermill").setLevel(logging.CRITICAL)
        limits = given().limits
        progress = Progress(accepted=accepted, is_injected=bool(changed))
        notebook = folder / "notebook.ipynb"  # papermill reads braces in a path as parameters
        notebook.write_text(facts.asking(source, store), encoding="utf-8")
        preparing = other.submit(beside)

        def on_cell_start(cell_index: int, **_: Any) -> None:
            progress.at = cell_index
            tell(f"cell {cell_index + 1}")

        try:
            run = papermill.execute_notebook(
                str(notebook),
                None,
                dict(changed),
                engine_name=ENGINE,
                progress=progress,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                iopub_timeout=60,  # seconds; its 4 are too few for a machine under load
                timeout_func=None if limits is None else lambda _: limits.left(),
                stderr_file=sys.stderr,
                km=manager,
                on_cell_start=on_cell_start,
            )
        except papermill.PapermillExecutionError as error:
            raise progress.failed(error) from progress.halted()
        except (RuntimeError, TimeoutError) as error:  # nbclient's
            raise progress.stopped(error, limits) from progress.halted()
        tell("writing the page")
        made = preparing.result()
    read = facts.told(run.cells.pop())
    return Ran(notebook=run, read=read, beside=made, seconds=time.perf_counter() - began)
