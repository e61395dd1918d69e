"""Render Network: what was burned for work, week by week, as the Foundation's own pages tell it.

Undocumented; routes as callers of them describe. `base_url` is the statistics' host and, after a
space, that of the Foundation's back end, which knows the supply and is asked where the first fails.

Keys: `burnedRender`, `burnedRenderUSDCAmt` (USD) and `totalRenderUsed` of an epoch, `amountDue`
(what node operators are paid for it; `amountDue/CHANNEL` of another channel), `frames` (rendered
since the beginning, a snapshot), `circulatingSupply` (a snapshot).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError
from research.frames import ONE_DAY
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._asks import Answers, ask_in_turn, at, hosts

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "render"
EPOCH = ("burnedRender", "burnedRenderUSDCAmt", "totalRenderUsed")
FRAMES, SUPPLY = "api/nodes_and_frames", "api/v1/supplyInfo"
OPERATORS = "node_operator"
PLACEHOLDER = 10_000  # ids from here on are no epochs
LONGEST_DAYS = 31  # of an epoch; they are weeks
PER_RENDER = 1e8  # of the back end's units
SLACK = pd.Timedelta(minutes=1)  # an end may be written 23:59:59
ASK_EPOCHS: tuple[Callable[[Web], Any], ...] = (  # the statistics' host, then the back end
    lambda host: host.json("epoch-burn-stats-data.json"),
    lambda host: host.json("api/v1/epochBurnStats", json={"start": 0}),
)
ASK_LIABILITIES: tuple[Callable[[Web], Any], ...] = (
    lambda host: {"liabilities": host.json("liability-epochs-data.json"), "units": 1},
    lambda host: {"liabilities": host.json("api/v1/liabilityEpochs"), "units": PER_RENDER},
)


@dataclass
class Render:
    """Weekly epochs, and what stands now; an answer serves all keys of one `now`."""

    answers: Answers = field(default_factory=Answers)

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Ask for a series; see `Source`. All epochs are one answer, so all are returned."""

        def get(what: str, *asks: Callable[[Web], Any]) -> Any:
            return self.answers.get(web, now, what, lambda: ask_in_turn(web, *asks))

        key, _, channel = wanted.key.partition("/")
        if wanted.key in EPOCH:
            return parse_epochs(get("epochs", *ASK_EPOCHS), name=key, now=now)
        if key == "amountDue":
            due = get("liabilities", *ASK_LIABILITIES)
            answer = {"epochs": get("epochs", *ASK_EPOCHS)} | due
            return parse_liabilities(answer, channel=channel or OPERATORS, now=now)
        if wanted.key == "frames":
            return parse_frames(at(web, hosts(web)[0], lambda host: host.json(FRAMES)), now=now)
        if wanted.key == "circulatingSupply":
            return parse_supply(at(web, hosts(web)[-1], lambda host: host.json(SUPPLY)), now=now)
        known = ", ".join((*EPOCH, "amountDue", "frames", "circulatingSupply"))
        raise SourceError(NAME, wanted.key, f"no such feed; it has {known}")


def parse_epochs(answer: Any, *, name: str, now: dt.datetime) -> pd.DataFrame:
    """Read one figure of each epoch that is over, dated by its last complete day."""
    asked = Question(NAME, name)
    return asked.days(
        (
            {"at": last, "value": asked.number(row[name], name), "period_days": length}
            for _, last, length, row in _epochs(asked, answer, now, name)
        ),
        now,
    )


def parse_liabilities(answer: Any, *, channel: str, now: dt.datetime) -> pd.DataFrame:
    """Read what is paid for each epoch that is over through one channel, summed over the wallets.

    Parameters
    ----------
    answer : `epochs`, which know the days; `liabilities`; and `units` of an amount in one RENDER
    """
    asked = Question(NAME, f"amountDue/{channel}")
    parts = asked.record(answer, "epochs", "liabilities", "units", of="the answers")
    units = asked.known(parts["units"], "units")
    if units <= 0:
        raise asked.changed(f"{units:g} units in one RENDER")
    due: dict[float, float] = {}
    keys = ("epochId", "channel", "amountDue")
    for row in asked.records(_rows(parts["liabilities"]), *keys, of="liabilities"):
        if row["channel"] == channel:
            epoch = asked.known(row["epochId"], "epochId")
            amount = asked.number(row["amountDue"], "amountDue") / units
            due[epoch] = due.get(epoch, 0.0) + amount
    return asked.days(
        (
            {"at": last, "value": due[epoch], "period_days": length}
            for epoch, last, length, _ in _epochs(asked, parts["epochs"], now)
            if epoch in due
        ),
        now,
    )


def parse_frames(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the number of frames rendered since the beginning."""
    return _parse_now(answer, "frames", now)


def parse_supply(answer: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the number of RENDER in circulation."""
    return _parse_now(answer, "circulatingSupply", now)


def _parse_now(answer: Any, name: str, now: dt.datetime) -> pd.DataFrame:
    asked = Question(NAME, name)
    value = asked.known(asked.record(answer, name)[name], name)
    if value <= 0:
        raise asked.empty(f"{name} is {value:g}")
    return asked.reading({None: value}, now)


def _epochs(
    asked: Question, answer: Any, now: dt.datetime, *names: str
) -> Iterator[tuple[float, dt.datetime, int, dict[str, Any]]]:
    """Go through the epochs that are over: id, last complete day, days and the row itself."""
    rows = asked.records(_rows(answer), "id", of="the epochs")
    rows = [row for row in rows if asked.number(row["id"], "id") < PLACEHOLDER]
    for row in rows:
        asked.record(row, "startDate", "endDate", *names, of="an epoch")
        begin, end = (asked.instant(row[key], key) for key in ("startDate", "endDate"))
        last = (pd.Timestamp(end) + SLACK).floor("D") - ONE_DAY
        length = (last - pd.Timestamp(begin).floor("D")).days + 1
        if not 1 <= length <= LONGEST_DAYS:
            raise asked.changed(f"an epoch from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}")
        if end <= now:
            yield asked.number(row["id"], "id"), last.to_pydatetime(), length, row


def _rows(answer: Any) -> Any:
    """Return the list that is the answer, or that is in it."""
    if isinstance(answer, dict):
        return next((answer[key] for key in ("data", "epochs") if key in answer), answer)
    return answer
