"""Renders many reports on the workers of a Dask cluster that is there already.

A worker that is lost takes its report along, and Dask gives that to another. What differs between
the workers and this machine is found before anything is begun; see `likeness` for what that is and
`lent` for what a worker does.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from research.config import settings
from research.errors import ResearchError, UsageError
from research.report.places import Place
from research.report.render import find
from research.unattended import likeness
from research.unattended.handing import Handing, told
from research.unattended.jobs import Job, Outcome
from research.unattended.likeness import Terms

if TYPE_CHECKING:
    from distributed import Client

SCHEMES = ("tcp", "tls")
CONNECT_SECONDS = 10.0  # until the scheduler answers, and until there is a worker
ANSWER_SECONDS = 60.0  # until all workers have said what they are like


class ClusterError(ResearchError):
    """The cluster cannot make these reports; nothing was begun."""


@contextmanager
def at(address: str, *, out: Place, store: str | None = None) -> Iterator[Cluster]:
    """Give the cluster whose scheduler is at `address`; nothing is asked of it before it is needed.

    Parameters
    ----------
    address : such as `tcp://10.0.0.1:8786`, or `tls://...` with the certificates of Dask's settings
    out : folder of the reports
    store : where the observations are; without it, the store of the settings

    Raises
    ------
    UsageError : if that is no address
    """
    cluster = Cluster(address=_checked(address), out=out, store=store)
    with warnings.catch_warnings():
        try:
            yield cluster
        finally:
            cluster.close()


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in SCHEMES and parts.hostname and parts.port
    except ValueError:  # a port that is no number
        is_one = False
    if not is_one or parts.path or parts.query:
        raise UsageError(
            f"--dask {address}: not the address of a Dask scheduler, which is like "
            "tcp://10.0.0.1:8786, or tls://... for one with certificates"
        )
    return address


@dataclass(kw_only=True)
class Cluster:
    """The workers below one scheduler, as far as one run needs them."""

    address: str
    out: Place
    store: str | None
    _client: Client | None = field(default=None, init=False)

    def check(self, jobs: Sequence[Job]) -> None:
        """Refuse a cluster that cannot be reached, or whose workers would make other reports."""
        client = self._connected()
        with self._terms(jobs) as terms:
            expected = likeness.known(terms)
            try:
                answers = client.sync(
                    client.run,
                    likeness.known,
                    terms,
                    on_error="return",
                    callback_timeout=ANSWER_SECONDS,
                )
            except (OSError, RuntimeError) as error:
                raise ClusterError(
                    f"--dask {self.address}: its workers did not all answer within "
                    f"{ANSWER_SECONDS:g} s ({told(error)}); see what the scheduler says of them"
                ) from error
        wrong = {
            worker: told(answer)
            if isinstance(answer, Exception)
            else "; ".join(likeness.differences(answer, expected))
            for worker, answer in sorted(answers.items())
        }
        lines = [f"  {worker}: {what}" for worker, what in wrong.items() if what]
        if lines:
            raise ClusterError(
                f"--dask {self.address}: some workers would not make the same reports:\n"
                + "\n".join(lines)
                + "\nGive them the same code, packages, catalogue and folders, and start them anew"
            )

    def render_all(
        self,
        jobs: Sequence[Job],
        *,
        workers: int = 0,  # noqa: ARG002 - the threads of the cluster's workers decide
        on_done: Callable[[Outcome], None] = lambda _: None,
    ) -> list[Outcome]:
        """Render reports and return what came of each, in the order of `jobs`.

        As `batch.render_all` does, and the reports are the same.
        """
        if not jobs:
            return []
        client, outcomes = self._connected(), dict[int, Outcome]()
        with self._terms(jobs) as terms:
            handing = Handing(
                client=client, address=self.address, jobs=[*map(_found, jobs)], terms=terms
            )
            try:
                for number, outcome in handing.outcomes():
                    outcomes[number] = replace(outcome, job=jobs[number])
                    on_done(outcomes[number])
            finally:
                handing.end()
        return [outcomes[number] for number in range(len(jobs))]

    def close(self) -> None:
        """Let go of the cluster."""
        if self._client is not None:
            with suppress(OSError, RuntimeError):  # it is gone
                self._client.close(timeout=CONNECT_SECONDS)
            self._client = None

    def _connected(self) -> Client:
        """Return a client of the scheduler once there is a worker."""
        if self._client is not None:
            return self._client
        try:
            from distributed import Client
            from distributed.versions import VersionMismatchWarning
        except ImportError as error:
            raise ClusterError(
                "--dask needs the package distributed; install gpu-depin-research[cluster]"
            ) from error
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what is wrong is told in our words
        warnings.simplefilter("ignore", VersionMismatchWarning)  # see `likeness`
        try:
            with ThreadPoolExecutor(1) as other:  # in this one a notebook has a loop of its own
                other.submit(lambda: asyncio.run(_greet(self.address))).result()
            self._client = Client(self.address, timeout=CONNECT_SECONDS)
        except Exception as error:  # whatever answers there, or nothing
            raise ClusterError(
                f"--dask {self.address}: no Dask scheduler answers there ({told(error)}); start "
                "it, or see whether the address is the one that it says at its start"
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise ClusterError(
                f"--dask {self.address}: the scheduler has no worker; start some, such as by "
                f"`dask worker {self.address}`"
            ) from error
        return self._client

    @contextmanager
    def _terms(self, jobs: Sequence[Job]) -> Iterator[Terms]:
        """Give what is asked of the workers; the folder of the reports is marked meanwhile."""
        usual = settings().store
        terms = Terms(
            run=uuid.uuid4().hex,
            folder=Path.cwd(),
            notebooks=frozenset(_found(job).notebook for job in jobs),
            store=self.store or usual,
            usual_store=usual,
            out=self.out,
        )
        if (store := terms.kept) is not None and store.exists():
            terms = replace(terms, version=store.version())
        self.out.mkdir(parents=True, exist_ok=True)
        terms.mark.touch()
        try:
            yield terms
        finally:
            terms.mark.unlink(missing_ok=True)


async def _greet(address: str) -> None:
    """Return once something that speaks Dask's language answers; its client waits for ever."""
    from distributed import Security
    from distributed.comm.core import connect

    settings_of_dask = Security().get_connection_args("client")  # certificates
    async with asyncio.timeout(CONNECT_SECONDS):
        comm = await connect(address, timeout=CONNECT_SECONDS, **settings_of_dask)
        await comm.close()


def _found(job: Job) -> Job:
    """Return a job that names its notebook by path, which is the same from any folder."""
    try:
        return replace(job, notebook=str(find(job.notebook).absolute()))
    except UsageError:  # its outcome says so
        return job
