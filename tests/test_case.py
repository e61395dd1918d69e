"""A case takes its figures from parameters, store and catalogue, in that order, and says so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research import case
from research.case.inputs import Assumed
from research.case.records import record
from research.errors import InfeasibleError, NoDataError
from research.store import Store

DAYS = pd.date_range("2024-01-01", "2026-02-28")


def rows(series: str, values: Any, unit: str = "USD", kind: str = "vendor") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "series": series,
            "date": DAYS,
            "value": values,
            "unit": unit,
            "kind": kind,
            "source": "a test",
            "known_at": pd.Timestamp("2026-03-02", tz="UTC").as_unit("us"),
            "period_days": 1,
        }
    )


def walk(seed: int, volatility: float, last: float) -> Any:
    steps = np.random.default_rng(seed).normal(0, volatility / np.sqrt(365), len(DAYS))
    price = np.exp(np.cumsum(steps))
    return last * price / price[-1]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two years of AKT, IO and BTC, and nothing else."""
    folder = tmp_path_factory.mktemp("case") / "store"
    Store(str(folder)).append(
        pd.concat(
            [
                rows("akash.price_usd", walk(1, 1.2, 0.5)),
                rows("io-net.price_usd", walk(2, 1.3, 0.1)),
                rows("render.price_usd", walk(4, 1.3, 1.6)),
                rows("btc.price_usd", walk(3, 0.6, 70_000.0)),
            ]
        )
    )
    return str(folder)


def run(store: str, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "network": "akash",
        "gpu": "rtx-4090",
        "gpu_count": 1,
        "with_gpu": None,
        "with_gpu_count": 1,
        "gpu_usd": None,
        "owned": False,
        "power_cap": 1.0,
        "pool_share": None,
        "token_growth_per_year": 0.0,
        "capital_usd": None,
        "horizon_months": 12,
        "tariff": "us-residential",
        "tariff_usd_per_kwh": None,
        "utilization": None,
        "rate_usd_per_hour": None,
        "payout": None,
        "sell_share": 1.0,
        "drift": "zero",
        "paths": 1_000,
        "seed": 1,
        "until": None,
        "as_of": None,
        "store": store,
    }
    return SimpleNamespace(**given | changes)


def assumed(made: case.Case, name: str) -> Assumed:
    return next(each for each in made.assumptions if each.name.startswith(name))


def test_the_token_price_is_the_last_close(store: str) -> None:
    made = case.build(run(store))

    assert made.question.token_price_usd == pytest.approx(0.5)
    assert made.last_day == dt.date(2026, 2, 28)


def test_until_limits_the_observations_used(store: str) -> None:
    made = case.build(run(store, until=dt.date(2025, 6, 30)))

    assert made.last_day == dt.date(2025, 6, 30)
    assert made.question.history.returns.index[-1] <= pd.Timestamp("2025-06-30")
    assert any("pays by the rule in force since" in note for note in made.notes)


def test_nothing_is_known_before_it_was_stored(store: str) -> None:
    with pytest.raises(NoDataError, match=r"akash\.price_usd"):
        case.build(run(store, as_of=dt.datetime(2026, 3, 1, tzinfo=dt.UTC)))


def test_the_age_of_an_old_price_is_in_plain_sight(store: str) -> None:
    later = run(store, as_of=dt.datetime(2026, 4, 9, 12, tzinfo=dt.UTC))
    soon = run(store, as_of=dt.datetime(2026, 3, 3, tzinfo=dt.UTC))

    old = "The newest price is of 2026-02-28, 40 days before this report."
    assert old in case.build(later).notes
    assert not any("newest price" in note for note in case.build(soon).notes)


def test_what_the_checks_doubt_stands_beside_the_answer(tmp_path: Path) -> None:
    own = str(tmp_path / "store")
    holes = rows("akash.price_usd", walk(1, 1.2, 0.5)).drop(index=range(300, 380))
    Store(own).append(pd.concat([holes, rows("btc.price_usd", walk(3, 0.6, 70_000.0))]))

    made = case.build(run(own, as_of=dt.datetime(2026, 3, 3, tzinfo=dt.UTC)))

    assert any(note.startswith("akash.price_usd: 80 days missing") for note in made.notes)
    assert made.origin.marks == ("Partial data",)
    assert made.origin_of("btc.price_usd").marks == ()


def test_a_parameter_goes_before_the_catalogue(store: str) -> None:
    made = case.build(run(store, rate_usd_per_hour=0.9, utilization=0.25, gpu_usd=1_000.0))

    assert made.question.processes.rate_usd_per_hour == 0.9
    assert made.question.processes.utilization_mean == 0.25
    assert made.question.rig.gpu_usd == 1_000
    assert assumed(made, "Utilization").grade == "given"


def test_a_stored_rate_goes_before_the_catalogue_as_the_median_of_its_last_month(
    tmp_path: Path,
) -> None:
    own = str(tmp_path / "store")
    rates = np.where(DAYS[-1] - pd.Timedelta(days=30) < DAYS, 0.44, 0.11)
    rates[-1] = 0.90  # a price spike on one day
    Store(own).append(
        pd.concat(
            [
                rows("akash.price_usd", walk(1, 1.2, 0.5)),
                rows("btc.price_usd", walk(3, 0.6, 70_000.0)),
                rows("rtx-4090.rate_usd_per_hour", rates, "USD per GPU-hour"),
                rows("akash.utilization", np.full(len(DAYS), 0.7), "fraction"),
            ]
        )
    )

    made = case.build(run(own))

    assert made.question.processes.rate_usd_per_hour == 0.44
    assert made.question.processes.utilization_mean == pytest.approx(0.7)
    assert assumed(made, "Rental rate").grade == "store"
    assert "rtx-4090.rate_usd_per_hour" in [each.series for each in made.provenance]


def test_every_figure_names_its_source_and_grade(store: str) -> None:
    table = case.build(run(store)).assumption_table()

    assert table["source"].str.len().gt(0).all()
    assert set(table["grade"]) <= {"A", "B", "C", "D", "given", "store"}


def test_a_source_is_named_as_it_wants_to_be(tmp_path: Path) -> None:
    own = str(tmp_path / "store")
    prices = rows("akash.price_usd", walk(1, 1.2, 0.5)).assign(source="coingecko")
    Store(own).append(pd.concat([prices, rows("btc.price_usd", walk(3, 0.6, 70_000.0))]))

    table = case.build(run(own)).provenance_table().set_index("series")

    assert table.loc["akash.price_usd", "attribution"] == "Data provided by CoinGecko"
    assert table.loc["btc.price_usd", "attribution"] == ""


def test_without_a_given_capital_both_sides_start_with_what_the_rig_takes(store: str) -> None:
    made = case.build(run(store))
    rig = made.question.rig

    power = 3 * 730.5 * (rig.load_w + rig.host_load_w) * rig.usd_per_watt_hour
    assert made.question.capital_usd == pytest.approx(rig.cost_usd + power)


def test_too_little_capital_is_refused_with_what_is_needed(store: str) -> None:
    with pytest.raises(InfeasibleError, match=r"500 does not start this rig: 3,8\d\d USD"):
        case.build(run(store, capital_usd=500.0))


def test_collateral_is_locked_at_the_token_price(store: str) -> None:
    made = case.build(run(store, network="io-net", gpu_count=2))

    tokens = made.question.venue.collateral_tokens
    without = case.build(run(store, network="io-net", gpu_count=2, payout="usd"))
    locked = made.question.capital_usd - without.question.capital_usd
    assert locked == pytest.approx(tokens * 0.1 / (1 - made.question.trade_cost))


def test_render_pays_a_number_of_tokens_whatever_they_are_worth(store: str) -> None:
    made = case.build(run(store, network="render"))

    assert made.question.venue.payout == "token-quoted"
    assert made.question.venue.tokens_per_week == 25


def test_render_has_no_reward_for_a_card_it_does_not_list(store: str) -> None:
    with pytest.raises(InfeasibleError, match=r"no reward for L40S.*rtx-4090"):
        case.build(run(store, network="render", gpu="l40s", gpu_usd=8_000.0))


def test_a_card_without_a_known_price_asks_for_one(store: str) -> None:
    with pytest.raises(InfeasibleError, match="-p gpu_usd="):
        case.build(run(store, gpu="l40s"))


def test_kazam_is_answered_as_far_as_it_can_be(store: str) -> None:
    made = case.build(run(store, network="kazam"))

    assert made.question.token is None
    assert made.question.venue.payout == "usd"
    assert list(made.question.history.returns.columns) == ["market"]
    assert any("No public data for Kazam Chain (KZM)" in note for note in made.notes)


def test_kazam_works_as_soon_as_someone_imports_a_file(tmp_path: Path, store: str) -> None:
    own = str(tmp_path / "store")
    both = [rows("kazam.price_usd", walk(5, 1.5, 0.02)), rows("btc.price_usd", walk(3, 0.6, 7e4))]
    Store(own).append(pd.concat(both))

    made = case.build(run(own, network="kazam"))

    assert made.question.token_price_usd == pytest.approx(0.02)
    assert list(made.question.history.returns.columns) == ["token", "market"]


def test_a_listed_network_without_a_price_is_an_error(store: str) -> None:
    with pytest.raises(NoDataError, match=r"golem\.price_usd"):
        case.build(run(store, network="golem"))


def test_weeks_from_before_a_change_of_rules_are_pooled_only_with_a_note(store: str) -> None:
    made = case.build(run(store, network="io-net"))

    assert made.question.history.pooled == (dt.date(2025, 6, 4),)
    assert any("2025-06-04" in note for note in made.notes)


def test_demand_is_drawn_with_the_price_where_it_is_stored(tmp_path: Path) -> None:
    own = str(tmp_path / "store")
    Store(own).append(
        pd.concat(
            [
                rows("akash.price_usd", walk(1, 1.2, 0.5)),
                rows("akash.gpus_active", walk(6, 0.5, 300.0), "GPUs", "simulated"),
                rows("btc.price_usd", walk(3, 0.6, 70_000.0)),
            ]
        )
    )

    made = case.build(run(own))

    assert list(made.question.history.returns.columns) == ["token", "market", "demand"]
    assert made.origin.simulated


def test_the_record_covers_the_token_its_peers_and_the_market(store: str) -> None:
    made = case.build(run(store))

    past = record(made, seed=1)
    assert [each.name for each in past.risks] == ["AKT", "IO", "RENDER", "BTC"]
    assert [each.name for each in past.deflated] == ["AKT", "IO", "RENDER"]
