"""The link of networks in one store: a page tells one interval of one statistic."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from research import catalogue, holdings, link
from research.holdings import Market


@pytest.fixture(scope="module")
def market() -> Market:
    run = SimpleNamespace(store="sample", until=None, as_of=None)
    return holdings.read(run)


def test_the_network_that_was_asked_for_is_not_analysed_anew(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = link.analyse_network(market, "akash", n_replications=199)
    by_name = {facts.name: name for name, facts in catalogue.load().networks.items()}
    monkeypatch.setattr(
        link,
        "analyse_network",
        lambda _market, network, **_: replace(asked, network=f"{network}, anew"),
    )

    found = link.analyse_all(market, done=[asked])

    assert found[list(by_name.values()).index("akash")] is asked
    assert [one.network for one in found if one is not asked] == [
        f"{network}, anew" for network in by_name.values() if network != "akash"
    ]


def test_an_analysis_by_another_measure_is_not_that_of_the_purest(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = link.analyse_network(market, "akash", "leases_active", n_replications=199)
    monkeypatch.setattr(link, "analyse_network", lambda *_, **__: replace(asked, network="anew"))

    assert {one.network for one in link.analyse_all(market, done=[asked])} == {"anew"}


def test_an_event_is_called_by_what_happened(market: Market) -> None:
    found = link.analyse_network(market, "akash", n_replications=199)
    summaries = {event.summary for event in catalogue.load().events.values()}

    assert found.events
    assert {study.event for study in found.events} <= summaries
