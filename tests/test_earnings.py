"""A claim takes every rate that is known, each with who says so, and judges at one of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from research import catalogue, earnings
from research.earnings import EarningsCase
from research.earnings.rates import ASKED, EARNED, PAID, RateSeen
from research.errors import InfeasibleError, UsageError
from research.store import Store

DAYS = pd.date_range("2025-03-01", "2026-02-28")
NOW = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)
RATE = "rtx-4090.rate_usd_per_hour"


def rows(series: str, values: Any, source: str = "vast", **other: Any) -> pd.DataFrame:
    unit = "USD" if series.endswith("price_usd") else "USD per GPU-hour"
    return pd.DataFrame(
        {
            "series": series,
            "date": DAYS,
            "value": values,
            "unit": unit,
            "kind": "vendor",
            "source": source,
            "known_at": pd.Timestamp("2026-03-02", tz="UTC").as_unit("us"),
            "period_days": 1,
        }
        | other
    )


def build(folder: Path, *tables: pd.DataFrame, **changes: Any) -> EarningsCase:
    store = str(folder / "store")
    if tables or not Path(store).exists():
        Store(store).append(pd.concat([*tables, rows("btc.price_usd", 70_000.0)]))
    run: dict[str, Any] = {
        "gpu": "rtx-4090",
        "claim_low_usd_per_day": 3.0,
        "claim_high_usd_per_day": 7.0,
        "utilization": None,
        "rate_usd_per_hour": None,
        "platform_fee": None,
        "tariff": "us-residential",
        "tariff_usd_per_kwh": None,
        "gpu_usd": None,
        "owned": False,
        "power_cap": 1.0,
        "horizon_months": 36,
        "until": None,
        "as_of": NOW,
        "store": store,
    }
    given: Any = SimpleNamespace(**run | changes)
    return earnings.build(given)


def seen(made: EarningsCase, part: str) -> RateSeen:
    return next(each for each in made.rates if each.source.startswith(part))


def test_a_store_without_rates_leaves_the_catalogue_and_says_so(tmp_path: Path) -> None:
    made = build(tmp_path)

    known = catalogue.load().gpus["rtx-4090"].rate_usd_per_hour
    assert known is not None
    assert made.question.rate_usd_per_hour == known.value
    assert made.origin.text == "catalogue figures and assumptions only; own model"
    assert made.provenance_table().empty
    assert all(each.source.startswith("catalogue") for each in made.rates)


def test_a_stored_rate_is_the_median_of_its_last_month_with_the_quartiles_of_its_year(
    tmp_path: Path,
) -> None:
    values = np.where(DAYS[-1] - pd.Timedelta(days=30) < DAYS, 0.44, 0.20)
    values[-1] = 0.9  # a spike

    made = build(tmp_path, rows(RATE, values))

    stored = seen(made, "store: vast, 365 days")
    assert made.question.rate_usd_per_hour == stored.rate_usd_per_hour == 0.44
    assert (stored.low_usd_per_hour, stored.high_usd_per_hour) == (0.20, 0.20)
    assert stored.last == dt.date(2026, 2, 28)


def test_the_spread_of_a_days_offers_goes_before_that_of_the_days(tmp_path: Path) -> None:
    made = build(
        tmp_path,
        rows(RATE, 0.40),
        rows("rtx-4090.rate_q25_usd_per_hour", 0.31),
        rows("rtx-4090.rate_q75_usd_per_hour", 0.52),
    )

    stored = seen(made, "store: vast")
    assert (stored.low_usd_per_hour, stored.high_usd_per_hour) == (0.31, 0.52)
    assert "middle half of the offers" in stored.source


def test_every_source_has_a_row_and_the_one_that_is_read_comes_first(tmp_path: Path) -> None:
    newer = rows(RATE, 0.40).tail(20)
    older = rows(RATE, 0.69, "runpod").head(100)

    made = build(tmp_path, newer, older)

    assert [each.venue for each in made.rates[:2]] == ["Vast.ai offers", "RunPod"]
    assert made.question.rate_usd_per_hour == 0.40
    assert made.question.rate_high_usd_per_hour >= 0.69


def test_a_venue_that_the_store_knows_as_late_is_not_told_by_the_catalogue_too(
    tmp_path: Path,
) -> None:
    old = rows(RATE, 0.30, "akash", date=DAYS - pd.DateOffset(years=1))
    stale = build(tmp_path / "old", old)
    new = rows(RATE, 0.30, "akash", date=DAYS + pd.Timedelta(days=60))
    fresh = build(
        tmp_path,
        new.assign(known_at=pd.Timestamp("2026-06-01", tz="UTC").as_unit("us")),
        as_of=None,
    )

    assert [each.place for each in stale.rates].count("akash") == 2
    assert [each.place for each in fresh.rates].count("akash") == 1


def test_what_was_made_up_does_not_count_beside_what_was_seen(tmp_path: Path) -> None:
    real, made_up = rows(RATE, 0.40), rows(RATE, 9.0, "dream", kind="simulated")

    both = build(tmp_path, real, made_up)
    alone = build(tmp_path / "alone", made_up)

    assert "dream" not in {each.venue for each in both.rates}
    assert not both.origin.simulated
    assert alone.origin.simulated
    assert alone.question.rate_usd_per_hour == 9.0


def test_what_owners_earned_is_after_the_fee_and_sets_no_limit_to_rates(tmp_path: Path) -> None:
    made = build(tmp_path, rows("rtx-4090.earning_usd_per_hour", 0.01, "salad"))

    earned = seen(made, "store: salad")
    assert (earned.what, earned.platform_fee) == (EARNED, 0.0)
    assert made.question.rate_low_usd_per_hour > 0.01
    assert "rtx-4090.earning_usd_per_hour" in [each.series for each in made.provenance]


def test_what_was_paid_is_told_beside_what_is_asked(tmp_path: Path) -> None:
    made = build(tmp_path, rows(RATE, 0.40), rows("rtx-4090.rate_paid_usd_per_hour", 0.33, "akash"))

    assert [each.what for each in made.rates[:2]] == [ASKED, PAID]
    assert made.rates[1].rate_usd_per_hour == 0.33


def test_a_reward_in_tokens_is_worth_their_last_price(tmp_path: Path) -> None:
    made = build(tmp_path, rows("render.price_usd", np.linspace(3.0, 1.62, len(DAYS))))

    [render] = [each for each in made.rates if each.venue == "Render Network"]
    assert render.rate_usd_per_hour == pytest.approx(25 * 1.62 / 168)  # 0.241 USD an hour
    assert render.what == EARNED


def test_a_network_keeps_its_own_fee_and_another_source_that_of_a_marketplace(
    tmp_path: Path,
) -> None:
    made = build(tmp_path, rows(RATE, 0.4, "akash"), rows(RATE, 0.5, "a file of mine").head(9))

    known = catalogue.load()
    own = known.networks["akash"].payout
    assert own is not None
    assert made.question.terms.platform_fee == own.platform_fee.value
    other = seen(made, "store: a file of mine")
    assert other.platform_fee == known.assumptions["marketplace_fee"].figure.value


def test_a_parameter_goes_before_the_store(tmp_path: Path) -> None:
    made = build(
        tmp_path, rows(RATE, 0.40),
        rate_usd_per_hour=0.5, utilization=0.7, platform_fee=0.03, tariff_usd_per_kwh=0.06,
        gpu_usd=1_600.0,
    )  # fmt: skip

    q = made.question
    assert (q.rate_usd_per_hour, q.utilization, q.terms.platform_fee) == (0.5, 0.7, 0.03)
    assert q.terms.rig.tariff_usd_per_kwh == q.tariffs["Given"] == 0.06
    assert q.terms.rig.gpu_usd == 1_600
    rates = [each for each in made.assumptions if each.name.startswith("Rental rate")]
    assert [each.grade for each in rates] == ["given"]


def test_tariffs_run_from_the_cheapest_to_the_dearest_for_the_same_customers(
    tmp_path: Path,
) -> None:
    known = catalogue.load().tariffs
    homes = [x.usd_per_kwh.value for x in known.values() if x.sector == "residential"]

    tariffs = [*build(tmp_path).question.tariffs.values()]

    assert tariffs == [min(homes), known["us-residential"].usd_per_kwh.value, max(homes)]


def test_every_figure_names_its_source_once(tmp_path: Path) -> None:
    table = build(tmp_path, rows(RATE, 0.40)).assumption_table()

    assert table["source"].str.len().gt(0).all()
    assert not table["name"].duplicated().any()


def test_nothing_is_known_before_it_was_stored_nor_used_after_its_last_day(tmp_path: Path) -> None:
    early = build(tmp_path, rows(RATE, 0.9), as_of=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    until = build(tmp_path, until=dt.date(2025, 3, 31))

    assert early.question.rate_usd_per_hour != 0.9
    assert seen(until, "store: vast").last == dt.date(2025, 3, 31)


def test_the_age_of_an_old_rate_is_in_plain_sight(tmp_path: Path) -> None:
    later = build(tmp_path, rows(RATE, 0.4), as_of=NOW + dt.timedelta(days=60))

    assert "The newest stored rate is of 2026-02-28, 65 days before this report." in later.notes
    assert not build(tmp_path).notes


def test_an_owned_card_costs_what_selling_it_today_would_bring(tmp_path: Path) -> None:
    bought, owned = build(tmp_path).question.terms, build(tmp_path, owned=True).question.terms

    rig = bought.rig
    assert owned.rig.cost_usd == pytest.approx(rig.resale_usd * (1 - rig.selling_cost))
    assert owned.capital_usd_per_day < bought.capital_usd_per_day


def test_a_power_cap_saves_power_and_some_of_the_rent(tmp_path: Path) -> None:
    full, capped = build(tmp_path).question.terms.rig, build(tmp_path, power_cap=0.7)

    assert capped.question.terms.rig.load_w < full.load_w
    assert capped.question.terms.rig.speed < 1


def test_a_card_without_a_price_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match="-p gpu_usd="):
        build(tmp_path, gpu="l40s")


def test_another_card_works_as_well(tmp_path: Path) -> None:
    made = build(tmp_path, gpu="h100-sxm")

    assert made.question.gpu == "H100 SXM5 80 GB"
    assert made.question.rate_usd_per_hour > 1


def test_a_claim_upside_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the lower amount comes first"):
        build(tmp_path, claim_low_usd_per_day=8.0)
