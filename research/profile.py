"""One network in depth: its price, its use, what is said of it and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from research import catalogue
from research.catalogue import Measure, Network
from research.holdings import Market, cards, flow, level_and_change, unit

CLASSES = {"A": "physical", "AB": "in USD", "C": "moved by the token's price"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """One network in depth."""

    network: Network
    price: pd.Series[float]  # USD, closes; empty where none is held
    events: pd.DataFrame  # the oldest first
    measures: pd.DataFrame  # one row a measure of networks, held or not
    panel: pd.DataFrame  # (n_days, n_measures held)
    cards: pd.DataFrame  # one row a card whose rate on this network is known

    @property
    def held(self) -> pd.DataFrame:
        """The measures that there are data of."""
        return self.measures[self.measures["held"]]

    @property
    def no_data(self) -> str | None:
        """What is said of a network of which nothing is public, as long as nothing is held."""
        network = self.network
        if network.status != "no-public-data" or self.measures["held"].any():
            return None
        return (
            f"No public data found for {network.name} ({network.symbol}) as of {network.date}; "
            "import a file of your own and this report will use it."
        )

    def series(self, measure: str) -> str:
        """Return the name of the series of a measure."""
        return f"{self.network.id}.{measure}"

    def group(self, name: str) -> pd.DataFrame:
        """Return the measures held of a group: demand, supply, utilization or market."""
        return self.held[self.held["group"] == name]

    def named(self, group: str) -> list[str]:
        """Return the names of the series of the measures held of a group."""
        return [self.series(measure) for measure in self.group(group)["measure"]]


def build(market: Market, network: str) -> Profile:
    """Return all that is held of a network, and what is not."""
    known = catalogue.load()
    measures = pd.DataFrame(
        [
            _measure(market, network, measure)
            for measure in known.measures.values()
            if "network" in measure.applies_to
        ]
    )
    held = [f"{network}.{name}" for name in measures.loc[measures["held"], "measure"]]
    panel = market.panel[held].dropna(how="all")
    closes = market.get(f"{network}.price_usd")
    events = [
        {"date": event.date, "kind": event.kind, "regime": event.regime, "summary": event.summary,
         "source": event.source}
        for event in known.events.values()
        if event.subject == network and event.published <= market.day
    ]  # fmt: skip
    columns = ["date", "kind", "regime", "summary", "source"]
    return Profile(
        network=known.networks[network],
        price=pd.Series(dtype=float) if closes is None else closes,
        events=pd.DataFrame(events, columns=columns).sort_values("date", ignore_index=True),
        measures=measures,
        panel=panel.rename(columns=lambda name: str(name).partition(".")[2]),
        cards=cards(market, network),
    )


def _measure(market: Market, network: str, measure: Measure) -> dict[str, Any]:
    series = f"{network}.{measure.id}"
    line: dict[str, Any] = {
        "measure": measure.id,
        "unit": measure.unit,
        "group": _group(measure),
        "demand_class": CLASSES.get(measure.demand_class or ""),
        "definition": measure.definition,
        "held": series in market.panel,
        "last_value": None,
        "level": None,
        "change": None,
        "first": None,
        "last": None,
        "age_days": None,
        "source": None,
    }
    values = market.get(series)
    if values is None:
        return line
    level, change = level_and_change(flow(values, measure))
    said = market.read_from(series)
    return line | {
        "unit": unit(measure, int(said.periods[-1])),
        "last_value": float(values.iloc[-1]),
        "level": level,
        "change": change,
        "first": said.first,
        "last": said.last,
        "age_days": market.age_days(series),
        "source": said.source,
    }


def _group(measure: Measure) -> str:
    if measure.id == "utilization":
        return "utilization"
    if measure.demand_class is not None:
        return "demand"
    return "supply" if measure.nature == "stock" and measure.unit != "USD" else "market"
