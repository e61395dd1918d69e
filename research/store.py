"""The store: what was observed, who said so, and when it came to be known.

One Delta Lake table in a folder or an object store. Rows are only ever added. An append is one
commit: it is there whole or not at all, whatever happens to the process, and any number of
processes may append and read at once.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from research.errors import StoreError, UsageError
from research.frames import Observations, conform
from research.revisions import KEY, Appended, compare

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

# Delta's own 15 retries are too few for eight writers: each retry is a race against all of them.
COMMIT_RETRIES = 1000
# A checkpoint every 10 commits, not every 100, halves what an append and opening cost.
CONFIGURATION = {"delta.appendOnly": "true", "delta.checkpointInterval": "10"}
# Files are skipped by the statistics in the log. To look into each of hundreds of small ones for
# what else might be skipped takes longer than to read it.
SCAN = {
    f"datafusion.execution.parquet.{option}": "false"
    for option in ("pushdown_filters", "enable_page_index", "bloom_filter_on_read")
}
ATTEMPTS = 10  # whoever loses the race to create the table then appends to it
# An object store's 500 and 503 are tried ten times within these seconds; Delta's own 180 are those
# of a server that takes a connection and never answers.
PATIENCE = {"retry_timeout": "30s", "timeout": "30s", "connect_timeout": "5s"}
ASKING = "Error performing"  # how Delta begins to tell what an object store answered


@dataclass(frozen=True)
class Store:
    """The observations at `location`: a folder, or an address such as `s3://bucket/store`."""

    location: str

    def exists(self) -> bool:
        """Return whether there is a store at this location."""
        return self._find() is not None

    def version(self) -> int:
        """Return the number of the last commit."""
        return self._table().version()

    def id(self) -> str:
        """Return what tells this store from any other, but not from a copy of it."""
        return str(self._table().metadata().id)

    def append(
        self, observations: pd.DataFrame, *, stored_at: dt.datetime | None = None
    ) -> Appended:
        """Add what the store does not know yet, as one commit.

        A row adds nothing if the store, as of the row's `known_at`, already says the same. Where it
        says something else, the row is a revision. A row that contradicts one of the very same
        `known_at` cannot have been known then: it counts as known at `stored_at` (now).

        Two processes that append the same rows at the same moment may both store them; `read`
        returns each once. An older vintage may be appended after a newer one, but a newer one that
        only confirmed what was known left no trace to be found between the two.

        Parameters
        ----------
        observations : table of `frames.Observations`
        stored_at : when this happens; without one, the machine's clock
        """
        from deltalake.exceptions import CommitFailedError

        rows = observations.drop(columns="fetch_id", errors="ignore").reset_index(drop=True)
        rows = conform(rows, Observations)
        now = pd.Timestamp(stored_at or dt.datetime.now(dt.UTC)).as_unit("us")
        for _ in range(ATTEMPTS):
            table = self._find()
            held = _nothing() if table is None else self._about(rows, table)
            added, appended = compare(rows, held, now)
            if added.empty:
                return appended
            with suppress(CommitFailedError):  # then nothing of it was stored
                self._commit(added, table)
                return appended
        raise StoreError(
            f"{self.location}: other writers kept this append from being committed; nothing of it "
            "was stored, run it again"
        )

    def read(
        self,
        series: Sequence[str] | None = None,
        *,
        as_of: dt.datetime | None = None,
        until: dt.date | None = None,
    ) -> pd.DataFrame:
        """Return the row known last for each series, source and date, in that order.

        Of two rows known at the same instant, which takes two processes writing at once, the one
        with the greater `fetch_id` counts, so that every read agrees.

        Parameters
        ----------
        series : names such as `akash.price_usd`; without them, all
        as_of : leave out what was not known by then
        until : the last day returned
        """
        rows = self.history(series, as_of=as_of, until=until)
        return rows.drop_duplicates(KEY, keep="last", ignore_index=True)

    def history(
        self,
        series: Sequence[str] | None = None,
        *,
        as_of: dt.datetime | None = None,
        until: dt.date | None = None,
        version: int | None = None,
    ) -> pd.DataFrame:
        """Return every row, what was known first before what replaced it.

        Parameters
        ----------
        series, as_of, until : see `read`, which returns the last of each
        version : leave out what was appended after that commit, since whenever it is known
        """
        conditions = []
        if series is not None:
            if not series:
                return _nothing()
            conditions.append(_among("series", series))
        if until is not None:
            conditions.append(f"date <= DATE '{until:%Y-%m-%d}'")
        if as_of is not None:
            if as_of.tzinfo is None:
                raise UsageError(f"as of {as_of}: an instant needs its zone, such as +00:00")
            known = as_of.astimezone(dt.UTC).isoformat(timespec="microseconds")
            conditions.append(f"known_at <= TIMESTAMP '{known}'")
        table = self._table()
        if version is not None:
            with self._explaining():
                table.load_as_version(version)
        rows = self._scan(table, conditions)
        return rows.sort_values([*KEY, "known_at", "fetch_id"], ignore_index=True)

    @property
    def _folder(self) -> Path | None:
        """The folder on this machine; None for an address."""
        return None if "://" in self.location else Path(self.location).expanduser().absolute()

    @property
    def _uri(self) -> str:
        if self._folder is None:
            return self.location
        if "%" in str(self._folder):  # delta-rs 1.6 decodes it and then looks in another folder
            raise StoreError(f"{self.location}: a store's folder cannot have % in its path")
        return self._folder.as_uri()

    @property
    def _options(self) -> dict[str, str] | None:
        return None if self._folder is not None else PATIENCE

    def _find(self) -> DeltaTable | None:
        """Return the table of this store, None if there is none yet."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        if self._folder is not None and not self._folder.is_dir():
            return None
        with self._explaining():
            try:
                table = DeltaTable(self._uri, storage_options=self._options)
            except TableNotFoundError:
                return None
            columns = [field.name for field in table.schema().fields]
        if columns != _schema().names:
            raise StoreError(
                f"{self.location}: a Delta Lake table, but not a store: its columns are "
                f"{', '.join(columns)}; a store has {', '.join(_schema().names)}"
            )
        return table

    def _table(self) -> DeltaTable:
        table = self._find()
        if table is None:
            raise StoreError(
                f"{self.location}: no store there; `research import FILE --store {self.location}` "
                "makes one, and `--store sample` is the simulated market"
            )
        return table

    def _scan(self, table: DeltaTable, conditions: Sequence[str]) -> pd.DataFrame:
        import pyarrow as pa
        from deltalake import QueryBuilder

        where = " AND ".join(conditions) or "TRUE"
        with self._explaining():
            query = QueryBuilder(SCAN).register("observations", table)
            # `_among` quotes the names
            found = query.execute(f"SELECT * FROM observations WHERE {where}")  # noqa: S608
            return _frame(pa.table(found))

    def _about(self, rows: pd.DataFrame, table: DeltaTable) -> pd.DataFrame:
        """Return every stored row that `rows` may repeat or contradict."""
        first, last = rows["date"].min(), rows["date"].max()
        return self._scan(
            table,
            [
                _among("series", rows["series"].unique().tolist()),
                _among("source", rows["source"].unique().tolist()),
                f"date BETWEEN DATE '{first:%Y-%m-%d}' AND DATE '{last:%Y-%m-%d}'",
            ],
        )

    def _commit(self, rows: pd.DataFrame, table: DeltaTable | None) -> None:
        import pyarrow as pa
        from deltalake import CommitProperties, write_deltalake

        if table is None:
            self._refuse_foreign_folder()
        # Retried, a creation would go through as a second one, on top of the winner's.
        retries = 0 if table is None else COMMIT_RETRIES
        rows = rows.assign(fetch_id=uuid.uuid4().hex).sort_values(KEY)  # sorted, reads can skip
        with self._explaining():
            write_deltalake(
                self._uri if table is None else table,
                pa.Table.from_pandas(rows, schema=_schema(), preserve_index=False),
                mode="append",
                configuration=CONFIGURATION,
                storage_options=self._options,
                commit_properties=CommitProperties(max_commit_retries=retries),
            )

    def _refuse_foreign_folder(self) -> None:
        """Keep a store out of a folder that holds something else."""
        folder = self._folder
        if folder is None or not folder.exists():
            return
        if not folder.is_dir():
            raise StoreError(f"{self.location}: a file; a store is a folder of its own")
        foreign = [  # a writer killed before its first commit leaves only these behind
            path.name
            for path in sorted(folder.iterdir())
            if path.name != "_delta_log" and not re.match(r"part-.*\.parquet", path.name)
        ]
        if foreign:
            raise StoreError(
                f"{self.location}: not a store, and not empty ({', '.join(foreign[:3])}); "
                "name an empty or new folder"
            )

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn what Delta Lake says into an error of ours; a lost commit race is the caller's."""
        from deltalake.exceptions import CommitFailedError, DeltaError
        from pyarrow import ArrowException

        try:
            yield
        except CommitFailedError:
            raise
        except (DeltaError, ArrowException, OSError) as wrong:
            if ASKING in str(wrong):
                raise StoreError(f"{self.location}: {_unanswered(str(wrong))}") from wrong
            reason = re.sub(r"\x1b\[\d*m|\s+", " ", str(wrong).partition("\n")[0]).strip()
            raise StoreError(
                f"{self.location}: the store cannot be used ({reason[:300]}); put back a copy of "
                "the whole folder, or import into a new one"
            ) from wrong


def _unanswered(told: str) -> str:
    """Say what an object store answered instead, and what to do; `told` is Delta's own tree."""
    lines = [re.sub(r"\x1b\[\d*m|↳", "", line).strip() for line in told.splitlines()]
    status = next((line for line in lines if re.match(r"[45]\d\d ", line)), "")
    code = re.search(r"<Code>(\w+)</Code>", told)
    reason = (
        ", ".join(filter(None, (status, code[1] if code else ""))) or [*filter(None, lines)][-1]
    )
    if code and code[1] == "NoSuchBucket":
        return f"there is no such bucket ({reason}); make it, or name another"
    if status.startswith(("401", "403")):
        return f"the object store refuses these keys ({reason}); check them and what they may do"
    return (
        f"the object store does not answer ({reason[:300]}); it may later, so run it again, and "
        "check its address, region and keys in the environment"
    )


def _among(column: str, names: Sequence[str]) -> str:
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"{column} IN ({quoted})"


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("series", pa.string()),
            ("date", pa.date32()),
            ("value", pa.float64()),
            ("unit", pa.string()),
            ("kind", pa.string()),
            ("source", pa.string()),
            ("known_at", pa.timestamp("us", "UTC")),
            ("period_days", pa.int64()),
            ("fetch_id", pa.string()),
        ]
    )


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
    return frame.astype({"date": "datetime64[ns]"})


def _nothing() -> pd.DataFrame:
    return _frame(_schema().empty_table())
