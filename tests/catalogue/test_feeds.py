"""Every series has someone to ask, and everyone who is asked is described."""

import datetime as dt
from collections.abc import Iterator
from typing import get_args

import pytest

from research import catalogue, frames
from research.catalogue import Catalogue, Factor, Feed, Network
from research.catalogue._feeds import Kind
from research.errors import NeedsKeyError, UnavailableError
from research.sources import SOURCES, Wanted, source
from research.sources.web import Web

NOW = dt.datetime(2026, 8, 20, 6, tzinfo=dt.UTC)
EXCHANGES = {"binance", "bybit"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue.load(tmp_path_factory.mktemp("nothing_of_my_own"))


def feeds(known: Catalogue) -> Iterator[tuple[str, str, Feed]]:
    for name, subject in known.subjects.items():
        for measure, of_measure in subject.feeds.items():
            yield from ((name, measure, feed) for feed in of_measure)


def test_a_kind_means_the_same_here_and_in_the_tables() -> None:
    assert get_args(Kind) == frames.KINDS


def coins_and_shares(known: Catalogue) -> list[Network | Factor]:
    return [*known.networks.values(), *known.factors.values()]


def test_every_source_has_a_file_and_every_file_a_source(known: Catalogue) -> None:
    assert set(known.sources) == set(SOURCES)


def test_every_source_knows_what_it_is_asked_for(known: Catalogue) -> None:
    unknown = []
    for name, measure, feed in feeds(known):
        if feed.source == "yahoo":  # which takes any symbol, and writes a cache
            continue
        wanted = Wanted(series=f"{name}.{measure}", key=feed.key, since=None)
        with Web.to(known.sources[feed.source], offline=True) as web:
            try:
                source(feed.source).fetch(wanted, web, NOW)
            except (UnavailableError, NeedsKeyError):  # offline: it was about to ask
                continue
            except Exception as refused:  # noqa: BLE001 - each feed that is wrong is listed
                unknown.append(str(refused))
    assert unknown == []


def test_a_listed_network_needs_a_price_and_one_without_data_needs_nothing(
    known: Catalogue,
) -> None:
    for network in known.networks.values():
        is_listed = network.status == "listed"
        assert network.required == (("price_usd",) if is_listed else ())
        assert bool(network.feeds) == is_listed
    assert {factor.required for factor in known.factors.values()} == {("price_usd",)}


def test_every_required_series_can_be_asked_for(known: Catalogue) -> None:
    for subject in coins_and_shares(known):
        assert set(subject.required) <= set(subject.feeds), subject.id


def test_every_token_has_a_fallback_and_a_referee_that_is_not_coingecko(known: Catalogue) -> None:
    for coin in coins_and_shares(known):
        if coin.identifiers.coingecko:
            price = coin.feeds["price_usd"]
            assert price[0].source == "coingecko"
            referees = {feed.source for feed in price if feed.referee}
            assert referees & (EXCHANGES | {"yahoo"}), coin.id
            assert len(price) >= 3


def test_the_names_of_a_coin_are_the_ones_it_is_identified_by(known: Catalogue) -> None:
    for coin in coins_and_shares(known):
        names = coin.identifiers
        allowed: dict[str, set[str | None]] = {
            "coingecko": {names.coingecko},
            "yahoo": {each.symbol for each in names.yahoo if each.valid_to is None},
            "defillama": {f"coingecko:{names.coingecko}"},
            "binance": {names.binance},
            "bybit": {names.bybit},
        }
        for feed in coin.feeds.get("price_usd", ()):
            assert feed.key in allowed[feed.source], (coin.id, feed)


def test_every_card_has_an_asking_price_from_two_markets_or_more(known: Catalogue) -> None:
    for card in known.gpus.values():
        assert len(card.feeds["rate_usd_per_hour"]) >= 2, card.id
    assert {feed.source for feed in known.gpus["rtx-4090"].feeds["rate_usd_per_hour"]} == {
        "vast",
        "runpod",
        "getflops",
        "akash",
    }


def test_one_does_not_ask_what_its_owner_does_not_document_unless_told_to(
    known: Catalogue,
) -> None:
    undocumented = {name for name, x in known.sources.items() if not x.documented}
    assert undocumented == {"yahoo", "render", "ionet", "aethir", "salad"}
    switched_off = {name for name, x in known.sources.items() if not x.switched_on}
    assert switched_off == undocumented - {"yahoo"}  # without it no share has a price


def test_nobody_is_asked_more_often_than_it_allows(known: Catalogue) -> None:
    assert known.sources["coingecko"].requests_per_minute == 4
    assert known.sources["coingecko"].requests_per_minute_with_key == 25
    assert known.sources["dune"].requests_per_minute == 15
    assert max(x.requests_per_minute for x in known.sources.values()) <= 60


def test_the_updates_of_a_day_fit_into_the_budget_of_one_who_has_no_key(known: Catalogue) -> None:
    asked = {
        (feed.key, measure if feed.key.startswith("category:") else measure.startswith("supply"))
        for _, measure, feed in feeds(known)
        if feed.source == "coingecko"
    }
    assert len(asked) * 60 / known.sources["coingecko"].requests_per_minute <= 300


def test_the_sector_is_a_subject_of_its_own(known: Catalogue) -> None:
    assert known.subject("DePIN") == "depin"
    assert known.kind_of("depin") == "sector"
    assert set(known.sectors["depin"].feeds) == {"market_cap_usd", "volume_usd"}
