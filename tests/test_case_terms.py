"""The terms of a case: what the rig, the venue, the token and the contract come to, and why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research import case, catalogue
from research.case import inputs
from research.errors import InfeasibleError
from research.models.levers import moved
from research.store import Store
from tests.test_case import DAYS, assumed, rows, run, walk

VOLUME_USD = 2_000_000.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Prices of three tokens and Bitcoin; of AKT alone what is traded a day."""
    folder = tmp_path_factory.mktemp("terms") / "store"
    Store(str(folder)).append(
        pd.concat(
            [
                rows("akash.price_usd", walk(1, 1.2, 0.5)),
                rows("akash.volume_usd", np.full(len(DAYS), VOLUME_USD) + np.arange(len(DAYS))),
                rows("io-net.price_usd", walk(2, 1.3, 0.1)),
                rows("render.price_usd", walk(4, 1.3, 1.6)),
                rows("btc.price_usd", walk(3, 0.6, 70_000.0)),
            ]
        )
    )
    return str(folder)


@pytest.fixture(scope="module")
def akash(store: str) -> case.Case:
    return case.build(run(store))


@pytest.fixture(scope="module")
def io_net(store: str) -> case.Case:
    return case.build(run(store, network="io-net"))


def figure(key: str) -> float:
    return catalogue.load().assumptions[key].figure.value


# The rig


def test_a_card_that_is_owned_counts_at_what_selling_it_would_leave(
    store: str, akash: case.Case
) -> None:
    made = case.build(run(store, owned=True))
    bought, owned = akash.question.rig, made.question.rig

    assert owned.resale_usd == bought.resale_usd == pytest.approx(bought.gpu_usd * (1 - 0.0625))
    assert owned.gpu_usd == pytest.approx(owned.resale_usd * (1 - owned.selling_cost))
    assert owned.host_usd == 0 < bought.host_usd
    assert any(f"counts at the {owned.gpu_usd:,.0f} USD" in note for note in made.notes)
    assert "rig.host_usd" not in {each.name for each in made.uncertain}
    # keeping it costs nothing on the first day but the working cash
    assert owned.cost_usd == pytest.approx(owned.resale_usd * (1 - owned.selling_cost))


def test_a_power_cap_slows_the_card_by_its_measured_curve(store: str, akash: case.Case) -> None:
    made = case.build(run(store, power_cap=0.6))
    tdp = made.gpu.tdp_w.value

    assert made.question.rig.load_w == pytest.approx(0.6 * tdp)
    assert made.question.rig.speed == made.power_caps[0.6] == pytest.approx(0.94)
    assert assumed(made, "Power cap").grade == "given"
    assert akash.question.rig.speed == 1
    assert akash.question.rig.load_w == pytest.approx(tdp * figure("load_share_of_tdp"))


def test_a_card_that_was_not_measured_under_a_cap_is_assumed_to_slow_like_any(store: str) -> None:
    made = case.build(run(store, gpu="h100-sxm", gpu_usd=25_000.0, power_cap=0.8))

    assert made.question.rig.speed == figure("power_cap_speed_at_80")
    assert made.power_caps == {
        0.8: figure("power_cap_speed_at_80"),
        0.6: figure("power_cap_speed_at_60"),
    }


def test_a_cap_below_what_is_known_is_refused(store: str) -> None:
    with pytest.raises(InfeasibleError, match="known from 60% of the board power"):
        case.build(run(store, power_cap=0.5))


def test_failures_and_their_doubt_grow_with_the_number_of_cards(store: str) -> None:
    made = case.build(run(store, gpu_count=3))
    p = made.question.processes
    doubt = next(each for each in made.uncertain if each.name == "failures")

    assert p.repairs_per_year + p.deaths_per_year == pytest.approx(
        3 * figure("failure_rate_per_year")
    )
    assert doubt.value == pytest.approx(3 * figure("failure_rate_per_year"))
    assert doubt.range == pytest.approx((3 * 0.02, 3 * 0.09))


# The venue


def test_a_share_of_an_emission_must_be_given(store: str) -> None:
    with pytest.raises(InfeasibleError, match="-p pool_share="):
        case.build(run(store, network="io-net", payout="emission-share"))


def test_a_share_that_is_given_is_paid_of_what_the_network_issues(store: str) -> None:
    made = case.build(run(store, network="io-net", payout="emission-share", pool_share=1e-5))
    venue = made.question.venue

    assert venue.payout == "emission-share"
    assert venue.pool_share == 1e-5
    assert venue.emission_tokens(2)[:, 0] == pytest.approx(
        [23.5, 23.5 * (1 - 0.0102) / (1 + figure("network_growth")) ** (1 / 12)]
    )
    assert assumed(made, "Share of a card").grade == "given"


# Holding


def test_staking_is_compared_only_where_the_catalogue_has_it(
    akash: case.Case, io_net: case.Case
) -> None:
    terms = catalogue.load().networks["akash"].staking
    assert terms is not None
    net = terms.yield_per_year.value * (1 - terms.commission.value)

    assert akash.question.staking_yield_per_year == pytest.approx(net)
    assert akash.staking is not None
    assert io_net.question.staking_yield_per_year == 0
    assert io_net.staking is None


def test_a_trade_costs_its_impact_where_volumes_are_stored(akash: case.Case) -> None:
    usual = figure("token_fee") + figure("token_half_spread")
    position = akash.liquidity
    assert position is not None
    last = akash.prices["akash"].pct_change().iloc[-30:]
    volume = VOLUME_USD + len(DAYS) - 15.5
    impact = last.std() * np.sqrt(akash.question.capital_usd / volume)

    assert akash.question.trade_cost == pytest.approx(usual + impact, rel=1e-6)
    assert akash.known.token_exit_cost == akash.question.trade_cost
    unbonding = catalogue.load().networks["akash"].staking
    assert unbonding is not None
    assert akash.known.token_exit_days == pytest.approx(
        unbonding.unbonding_days.value + akash.question.capital_usd / (0.1 * volume)
    )
    # what the rig is paid, month by month, is too little to move a price
    assert akash.question.venue.token_trade_cost == pytest.approx(usual)


def test_without_volumes_a_trade_costs_the_same_at_any_size_and_the_report_says_so(
    akash: case.Case, io_net: case.Case
) -> None:
    said = "The store has no trading volume of IO"

    assert io_net.liquidity is None
    assert io_net.known.token_exit_days is None
    assert io_net.question.trade_cost == pytest.approx(
        figure("token_fee") + figure("token_half_spread")
    )
    assert any(note.startswith(said) for note in io_net.notes)
    assert not any("no trading volume" in note for note in akash.notes)


def test_daily_returns_are_of_the_days_of_the_weeks_used(akash: case.Case) -> None:
    weekly, daily = akash.question.history.returns, akash.question.daily

    assert list(daily) == ["token", "market"]
    assert daily.index[-1] == weekly.index[-1]
    assert len(daily) == 7 * len(weekly)
    for name in daily:
        assert daily[name].sum() == pytest.approx(weekly[name].sum())


# Elsewhere


def test_offers_begin_with_the_own_place_and_none_lacks_a_rate(akash: case.Case) -> None:
    own, *others = akash.offers
    known = catalogue.load()
    rates = akash.gpu.venue_rate_usd_per_hour

    assert (own.name, own.venue, own.same_token) == ("Akash Network", akash.question.venue, True)
    assert own.rate_usd_per_hour == akash.question.processes.rate_usd_per_hour
    places = {each.name: each.id for each in known.networks.values()}
    places |= {each.name: each.id for each in known.venues.values()}
    for offer in others:
        if offer.venue.payout == "token-quoted":
            assert offer.token_price_usd is not None
            assert offer.venue.tokens_per_week > 0
        else:
            assert offer.rate_usd_per_hour == rates[places[offer.name]].value
        assert not offer.same_token
    assert len({offer.name for offer in akash.offers}) == len(akash.offers)
    assert {"Vast.ai", "RunPod community cloud", "Salad", "Plain cloud resale"} <= {
        offer.name for offer in others
    }


def test_a_place_that_has_no_rate_of_the_card_makes_no_offer(store: str) -> None:
    made = case.build(run(store, gpu="l40s", gpu_usd=8_000.0))
    rates = made.gpu.venue_rate_usd_per_hour

    assert "vast" not in rates
    assert "Vast.ai" not in {offer.name for offer in made.offers}
    assert len(made.offers) == 1 + len(rates.keys() - {"akash"})


def test_a_reward_in_tokens_is_offered_at_the_price_known_by_then(
    store: str, akash: case.Case, tmp_path: Path
) -> None:
    def render(made: case.Case) -> Any:
        name = catalogue.load().networks["render"].name
        return next((each for each in made.offers if each.name == name), None)

    assert render(akash).token_price_usd == pytest.approx(1.6)
    until = dt.date(2025, 9, 30)
    then = walk(4, 1.3, 1.6)[DAYS.get_loc(pd.Timestamp(until))]
    assert render(case.build(run(store, until=until))).token_price_usd == pytest.approx(then)

    own = str(tmp_path / "store")
    both = [rows("akash.price_usd", walk(1, 1.2, 0.5)), rows("btc.price_usd", walk(3, 0.6, 7e4))]
    Store(own).append(pd.concat(both))
    assert render(case.build(run(own))) is None


# What may happen, and what the contract carries


def test_each_stress_of_the_catalogue_is_told_with_the_network_s_own_token(
    akash: case.Case, io_net: case.Case
) -> None:
    told = catalogue.load().stresses

    def change(made: case.Case) -> float | None:
        return next(each.token_change for each in made.stresses if each.id == "crypto-2022")

    assert [each.id for each in akash.stresses] == list(told)
    assert change(akash) == -0.902
    assert change(io_net) == -0.866  # not traded then: the median of those that were
    shut = next(each for each in akash.stresses if each.id == "shutdown")
    assert (shut.shutdown_month, shut.after_shutdown) == (7, "open-market")
    assert shut.open_market_fee == figure("marketplace_fee")
    halved = next(each for each in akash.stresses if each.id == "halved-rate")
    assert (halved.rate_change, halved.token_change, halved.reached_after_months) == (
        -0.5,
        None,
        10,
    )


def test_a_rule_that_is_called_worse_lowers_no_fee(store: str, akash: case.Case) -> None:
    elsewhere = case.build(run(store, network="kazam"))  # a marketplace's fee is assumed there

    def fee(made: case.Case) -> float | None:
        return next(each.platform_fee for each in made.stresses if each.id == "payout-rule")

    assert fee(akash) == 0.2
    assert fee(elsewhere) == elsewhere.question.venue.platform_fee == figure("marketplace_fee")


def test_a_series_that_went_in_twice_is_listed_once(akash: case.Case) -> None:
    series = [each.series for each in akash.provenance]

    assert len(series) == len(set(series))  # RENDER: of the basket, and of the other venue


@pytest.mark.parametrize(
    ("gpu", "said"), [("h100-sxm", "an H100 SXM5"), ("rtx-3090", "a GeForce RTX 3090")]
)
def test_a_card_has_the_article_it_is_spoken_with(gpu: str, said: str) -> None:
    assert inputs.one(catalogue.load().gpus[gpu]).startswith(said)


@pytest.mark.parametrize("until", [dt.date(2025, 11, 30), dt.date(2025, 12, 31)])
def test_facts_of_the_contract_count_from_the_day_they_could_be_known(
    store: str, until: dt.date
) -> None:
    made = case.build(run(store, until=until))

    assert all(fact.date <= until for fact in made.facts)
    # the move of the chain was published on 15 December 2025
    announced = "pending-migration" in {fact.kind for fact in made.facts}
    assert announced == (until >= dt.date(2025, 12, 15))


def test_facts_are_counted_as_of_the_day_of_the_report_where_no_last_day_is_asked_for(
    store: str,
) -> None:
    made = case.build(run(store, as_of=dt.datetime(2026, 4, 1, tzinfo=dt.UTC)))

    assert {"oracle", "circuit-breaker", "pending-migration"} <= {f.kind for f in made.facts}
    assert all(fact.date <= dt.date(2026, 4, 1) for fact in made.facts)
    assert made.known.contract_facts is not None
    assert made.known.contract_facts >= 3


# What is in doubt

RUNS: dict[str, dict[str, Any]] = {
    "akash": {},
    "owned": {"owned": True, "power_cap": 0.8},
    "given": {"rate_usd_per_hour": 0.5, "utilization": 0.4, "tariff_usd_per_kwh": 0.2},
    "render": {"network": "render"},
    "io.net": {"network": "io-net", "gpu_count": 2},
    "emission": {"network": "io-net", "payout": "emission-share", "pool_share": 1e-5},
    "kazam": {"network": "kazam"},
}


@pytest.mark.parametrize("name", RUNS)
def test_each_figure_in_doubt_is_a_field_that_a_question_can_move(store: str, name: str) -> None:
    made = case.build(run(store, **RUNS[name]))
    q = made.question

    assert made.uncertain
    for each in made.uncertain:
        there = moved(q, {each.name: each.range[0]})
        if each.range[0] < each.value:
            assert there != q, each.name
        # as stated it is what the question has: the doubt is about the figure that went in
        if each.name != "failures":
            part, _, field = each.name.rpartition(".")
            assert getattr(getattr(q, part), field) == pytest.approx(each.value), each.name


def test_the_figures_in_doubt_are_those_of_the_venue_s_own_rule(store: str) -> None:
    def names(network: str) -> set[str]:
        return {each.name for each in case.build(run(store, network=network)).uncertain}

    assert "venue.tokens_per_week" in names("render")
    assert "processes.rate_usd_per_hour" not in names("render")
    assert "venue.tokens_per_week" not in names("akash")
    assert {"processes.rate_usd_per_hour", "venue.platform_fee"} <= names("akash")


def test_a_figure_given_for_the_report_is_in_doubt_as_one_person_s_word(store: str) -> None:
    made = case.build(run(store, utilization=0.4))
    doubt = next(each for each in made.uncertain if each.name == "processes.utilization_mean")

    assert doubt.grade == "given"
    assert doubt.range == pytest.approx((0.3, 0.5))


def test_another_card_in_the_rig_is_asked_the_same_and_its_figures_are_remembered(
    store: str,
) -> None:
    made = case.build(run(store, with_gpu="rtx-3090", with_gpu_count=2))

    assert made.partner is not None
    assert (made.partner.gpu, made.partner.rig.gpu_count) == ("GeForce RTX 3090", 2)
    assert made.partner.history.returns.equals(made.question.history.returns)
    assert any(each.name == "Price of a GeForce RTX 3090" for each in made.assumptions)
    assert case.build(run(store)).partner is None


def test_places_without_a_known_rate_of_the_card_are_named(akash: case.Case) -> None:
    assert {"io.net", "Nosana"} <= set(akash.unpriced)
    assert not {offer.name for offer in akash.offers} & set(akash.unpriced)


def test_the_rate_and_the_fee_of_every_other_place_stand_among_the_assumptions(
    akash: case.Case,
) -> None:
    told = {(each.name.rsplit(" on ")[-1], each.value) for each in akash.assumptions}
    fees = {(each.name, each.value) for each in akash.assumptions}
    others = [each for each in akash.offers if each.token_price_usd is None][1:]

    assert others
    for place in others:
        assert (place.name, place.rate_usd_per_hour) in told
        assert (f"Platform fee on {place.name}", place.venue.platform_fee) in fees
