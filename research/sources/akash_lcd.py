"""What staking AKT yields, asked of the chain itself through its public nodes.

https://docs.cosmos.network/api: `/cosmos/mint`, `/cosmos/staking`, `/cosmos/bank` and
`/cosmos/distribution`. The one key is `uakt`. Only the present can be had without an archive node,
so the history is that of our own snapshots. The chain is to move away (AEP-79, planned for the end
of 2026): staking, and with it this source, then ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError
from research.sources import Wanted
from research.sources._answers import Question
from research.sources._asks import ask_in_turn

if TYPE_CHECKING:
    from research.sources.web import Web

NAME = "akash_lcd"
DENOM = "uakt"
ROUTES: Mapping[str, str] = {
    "inflation": "cosmos/mint/v1beta1/inflation",
    "pool": "cosmos/staking/v1beta1/pool",
    "amount": f"cosmos/bank/v1beta1/supply/by_denom?denom={DENOM}",
    "params": "cosmos/distribution/v1beta1/params",
}


class AkashLcd:
    """The nodes of `base_url`, several if they are separated by spaces, the first that answers."""

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Ask one node for all four figures, so that they are of one chain and one moment."""
        if wanted.key != DENOM:
            raise SourceError(NAME, wanted.key, f"no such feed; it has {DENOM}")

        def ask(node: Web) -> pd.DataFrame:
            answers = {part: node.json(route) for part, route in ROUTES.items()}
            return parse_staking_yield(answers, now=now)

        return ask_in_turn(web, ask)


def parse_staking_yield(answers: Any, *, now: dt.datetime) -> pd.DataFrame:
    """Read the yearly yield: inflation x (1 - community tax) x supply / bonded, before commission.

    Parameters
    ----------
    answers : of each of `ROUTES`; all numbers are texts
    """
    asked = Question(NAME, "staking yield")
    asked.record(answers, *ROUTES, of="the answers")
    parts = {part: asked.record(answers[part], part, of=part)[part] for part in ROUTES}
    pool = asked.record(parts["pool"], "bonded_tokens", of="pool")
    supply = asked.record(parts["amount"], "denom", "amount", of="amount")
    params = asked.record(parts["params"], "community_tax", of="params")
    if supply["denom"] != DENOM:
        raise asked.changed(f"the supply is not that of {DENOM}")
    inflation = asked.known(parts["inflation"], "inflation")
    tax = asked.known(params["community_tax"], "community_tax")
    bonded = asked.known(pool["bonded_tokens"], "bonded_tokens")
    total = asked.known(supply["amount"], "amount")
    for name, fraction in (("inflation", inflation), ("community_tax", tax)):
        if not 0 <= fraction <= 1:
            raise asked.changed(f"{name} is {fraction:g}, not a fraction")
    if bonded == 0 or total == 0:
        raise asked.empty("no bonded tokens or no supply")
    if not 0 < bonded <= total:
        raise asked.changed(f"{bonded:g} bonded of {total:g} {DENOM}")
    return asked.reading({None: inflation * (1 - tax) * total / bonded}, now)
