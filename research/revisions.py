"""What new observations add to those that are held: news, repetitions and restatements."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

KEY = ["series", "source", "date"]  # what a statement is about
STATEMENT = ["value", "unit", "kind", "period_days"]  # what is said of it
A_MOMENT = pd.Timedelta(microseconds=1)  # the resolution of `known_at`

NO_REVISION = pd.DataFrame(columns=[*KEY, "was", "now", "kind_was", "kind_now"])
NONE_OUTDATED = pd.DataFrame(columns=[*KEY, "stated", "held"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Appended:
    """What an append changed.

    `revised` (series, source, date, was, now, kind_was, kind_now) lists the rows that say
    something else than what was known before them. `outdated` (series, source, date, stated, held)
    lists rows that only the past gained: another value, known later, is still the one read.
    """

    new: int
    unchanged: int
    revised: pd.DataFrame
    outdated: pd.DataFrame


def compare(
    rows: pd.DataFrame, held: pd.DataFrame, now: pd.Timestamp
) -> tuple[pd.DataFrame, Appended]:
    """Return the rows to add to what is `held`, and what adding them changes.

    Parameters
    ----------
    rows : new observations, each day and source at most once per `known_at`
    held : observations that may be of the same days, each with its `fetch_id`
    now : since when a row is known that contradicts what was known at the very same time
    """
    if held.empty and not rows.duplicated(KEY).any():  # as for every new day: nothing to compare
        return rows, Appended(
            new=len(rows), unchanged=0, revised=NO_REVISION, outdated=NONE_OUTDATED
        )
    held = held.merge(rows[KEY].drop_duplicates(), on=KEY)
    held = held.sort_values([*KEY, "known_at", "fetch_id"])
    rows = _restate(rows, held.drop_duplicates([*KEY, "known_at"], keep="last"), now)
    history = pd.concat([held.assign(is_held=True), rows.assign(is_held=False)], ignore_index=True)
    history = history.sort_values([*KEY, "known_at"], kind="stable", ignore_index=True)
    of_day = history.groupby(KEY, sort=False)
    before = of_day[STATEMENT].shift()
    is_first = of_day.cumcount() == 0
    is_same = ~is_first & (before == history[STATEMENT]).all(axis=1)
    is_added = ~history["is_held"] & ~is_same
    revised = history[KEY].assign(
        was=before["value"], now=history["value"], kind_was=before["kind"], kind_now=history["kind"]
    )
    last = of_day[["value", "is_held"]].transform("last")
    outdated = history[KEY].assign(stated=history["value"], held=last["value"])
    is_outdated = is_added & last["is_held"] & (last["value"] != history["value"])
    return history.loc[is_added, rows.columns], Appended(
        new=int((is_added & is_first).sum()),
        unchanged=int((~history["is_held"] & is_same).sum()),
        revised=revised[is_added & ~is_first].reset_index(drop=True),
        outdated=outdated[is_outdated].reset_index(drop=True),
    )


def _restate(rows: pd.DataFrame, held: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Let each row that contradicts a held one of the same `known_at` be known from now on."""
    same_time = rows[[*KEY, "known_at"]].merge(
        held[[*KEY, "known_at", *STATEMENT]], on=[*KEY, "known_at"], how="left"
    )
    stated = rows[STATEMENT].reset_index(drop=True)
    contradicts = same_time["unit"].notna() & (same_time[STATEMENT] != stated).any(axis=1)
    if not contradicts.any():
        return rows
    known = pd.concat([held, rows]).groupby(KEY)["known_at"].max().rename("latest").reset_index()
    latest = rows[KEY].merge(known, on=KEY, how="left")["latest"]
    restated = (latest + A_MOMENT).where(latest >= now, now)
    rows = rows.reset_index(drop=True)
    again = rows[contradicts].sort_values("known_at").groupby(KEY).cumcount()
    moments = again.reindex(rows.index).fillna(0) * A_MOMENT
    return rows.assign(known_at=rows["known_at"].mask(contradicts, restated + moments))
