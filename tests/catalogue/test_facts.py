"""The built-in catalogue says what its sources say."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from research import catalogue
from research.catalogue import Figure, UnknownSubjectError
from research.errors import UsageError

TOKENS = {
    "io-net": "IO",
    "render": "RENDER",
    "akash": "AKT",
    "kazam": "KZM",
    "nosana": "NOS",
    "aethir": "ATH",
    "golem": "GLM",
    "livepeer": "LPT",
    "bittensor": "TAO",
    "theta": "THETA",
    "flux": "FLUX",
}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> catalogue.Catalogue:
    return catalogue.load(tmp_path_factory.mktemp("nothing_of_my_own"))


def figures(value: Any) -> Iterator[Figure]:
    if isinstance(value, Figure):
        yield value
    elif is_dataclass(value):
        for item in fields(value):
            yield from figures(getattr(value, item.name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from figures(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from figures(each)


def test_every_figure_has_a_source_a_date_and_a_grade(known: catalogue.Catalogue) -> None:
    found = list(figures(known))
    assert len(found) > 100
    for figure in found:
        assert figure.source.strip()
        assert dt.date(2020, 1, 1) <= figure.date <= dt.date(2026, 12, 31)
        assert figure.grade in {"A", "B", "C", "D"}


def tables(known: catalogue.Catalogue) -> Iterator[Any]:
    """Entries with a source and a grade of their own, and the tables inside them."""
    sections = (known.networks, known.venues, known.events, known.risks, known.stresses)
    yield from (entry for section in sections for entry in section.values())
    for network in known.networks.values():
        yield from network.payouts
        yield from [network.staking] if network.staking else []


def test_what_is_from_memory_or_assumed_has_the_lowest_grade(known: catalogue.Catalogue) -> None:
    for figure in figures(known):
        if "from memory" in figure.source or "assumption" in figure.source:
            assert figure.grade == "D", figure


def test_no_source_is_a_path_of_ours(known: catalogue.Catalogue) -> None:
    for figure in figures(known):
        assert "shared" not in figure.source
        assert ".md" not in figure.source
        assert ".csv" not in figure.source


def test_a_table_with_a_source_is_held_to_the_rules_of_figures(
    known: catalogue.Catalogue,
) -> None:
    found = list(tables(known))
    assert len(found) > 50
    for table in found:
        assert not any(path in table.source for path in ("shared/", ".md", ".csv"))
        if "from memory" in table.source or "assumption" in table.source:
            assert table.grade == "D", table


def test_each_network_has_its_token(known: catalogue.Catalogue) -> None:
    assert {key: x.symbol for key, x in known.networks.items()} == TOKENS


@pytest.mark.parametrize("name", ["AKT", "akt", "akash", " Akash Network "])
def test_a_network_is_found_by_symbol_id_and_name(known: catalogue.Catalogue, name: str) -> None:
    assert known.subject(name) == "akash"


@pytest.mark.parametrize(
    ("name", "subject"),
    [("SPY", "sp500"), ("^GSPC", "sp500"), ("BTC", "btc"), ("RTX 4090", "rtx-4090")],
)
def test_factors_and_cards_are_subjects_too(
    known: catalogue.Catalogue, name: str, subject: str
) -> None:
    assert known.subject(name) == subject


def test_rndr_means_render_until_the_rename_and_nothing_after(known: catalogue.Catalogue) -> None:
    assert known.subject("RNDR", dt.date(2024, 7, 20)) == "render"
    assert known.subject("RNDR", dt.datetime(2024, 7, 21, 23, tzinfo=dt.UTC)) == "render"
    with pytest.raises(UnknownSubjectError, match=r"it meant render from .* to 2024-07-21"):
        known.subject("RNDR", dt.date(2024, 8, 1))
    assert known.subject("RNDR") == "render"


def test_render_has_one_token_on_every_day_of_the_rename(known: catalogue.Catalogue) -> None:
    old, new = known.networks["render"].tokens
    assert old.valid_to is not None
    assert new.valid_from == old.valid_to + dt.timedelta(days=1)
    yahoo = known.networks["render"].identifiers.yahoo
    assert [(x.symbol, x.valid_from, x.valid_to) for x in yahoo] == [
        ("RNDR-USD", None, dt.date(2024, 7, 21)),
        ("RENDER-USD", dt.date(2024, 7, 22), None),
    ]


def test_an_unknown_symbol_is_refused_with_its_neighbours(known: catalogue.Catalogue) -> None:
    with pytest.raises(UnknownSubjectError, match=r"did you mean AKT \(akash\)") as refusal:
        known.subject("AKTT")
    assert isinstance(refusal.value, UsageError)
    with pytest.raises(UnknownSubjectError, match=r"Known ids: io-net, render, akash, kazam"):
        known.subject("a word like no other")


def test_kazam_has_no_public_data(known: catalogue.Catalogue) -> None:
    kazam = known.networks["kazam"]
    assert kazam.status == "no-public-data"
    assert kazam.identifiers == catalogue.Identifiers()
    assert kazam.payouts == ()
    assert kazam.payout is None
    assert kazam.chain is None
    assert known.subject("KZM") == "kazam"


def test_every_listed_network_can_be_asked_for_at_two_price_sources(
    known: catalogue.Catalogue,
) -> None:
    for network in known.networks.values():
        if network.status == "listed":
            assert network.identifiers.coingecko
            assert network.identifiers.yahoo


def test_identifiers_are_not_derived_from_symbols(known: catalogue.Catalogue) -> None:
    networks = known.networks
    assert networks["io-net"].identifiers.yahoo[0].symbol == "IO29835-USD"
    assert networks["io-net"].identifiers.coingecko == "io"
    assert networks["render"].identifiers.coingecko == "render-token"
    assert networks["flux"].identifiers.coingecko == "zelcash"


@pytest.mark.parametrize(
    ("network", "dates"),
    [
        ("akash", [(2026, 3, 23), (2026, 5, 15)]),
        ("IO", [(2025, 6, 4), (2026, 6, 11)]),
        ("render", [(2023, 12, 20), (2025, 11, 3)]),
        ("kazam", []),
    ],
)
def test_regimes_begin_on_the_known_days(
    known: catalogue.Catalogue, network: str, dates: list[tuple[int, int, int]]
) -> None:
    assert known.regime_dates(network) == tuple(dt.date(*each) for each in dates)


def test_payouts_are_of_the_kind_in_force(known: catalogue.Catalogue) -> None:
    kinds = {key: (x.payout.kind, x.payout.since) for key, x in known.networks.items() if x.payout}
    assert kinds == {
        "io-net": ("usd-quoted", dt.date(2026, 6, 11)),
        "render": ("token-quoted", dt.date(2025, 11, 3)),
        "akash": ("usd-quoted", dt.date(2026, 3, 23)),
    }


def test_render_pays_the_published_tokens_for_100_hours_of_an_h200(
    known: catalogue.Catalogue,
) -> None:
    payout = known.networks["render"].payout
    assert payout is not None
    assert payout.tokens_per_week["h200-sxm"].value * 100 / 168 == pytest.approx(74.4048, abs=1e-4)
    assert payout.tokens_per_week["rtx-4090"].value == 25
    assert payout.availability_tokens_per_week is not None
    assert payout.availability_tokens_per_week.value == 2


def test_io_net_locks_the_published_stake_for_eight_h100(known: catalogue.Catalogue) -> None:
    payout = known.networks["io-net"].payout
    assert payout is not None
    assert 8 * payout.collateral_tokens["h100-sxm"].value == 16_000
    assert min(x.value for x in payout.collateral_tokens.values()) >= 200


@pytest.mark.parametrize(
    ("gpu", "vram_gb", "tdp_w"),
    [("rtx-3090", 24, 350), ("rtx-4090", 24, 450), ("rtx-5090", 32, 575), ("l40s", 48, 350),
     ("a100-pcie-40", 40, 250), ("h100-sxm", 80, 700), ("h100-nvl", 94, 400),
     ("h200-sxm", 141, 700)],
)  # fmt: skip
def test_cards_have_the_memory_and_power_of_their_data_sheets(
    known: catalogue.Catalogue, gpu: str, vram_gb: float, tdp_w: float
) -> None:
    card = known.gpus[gpu]
    assert (card.vram_gb.value, card.tdp_w.value) == (vram_gb, tdp_w)
    assert card.idle_w.value < 0.25 * tdp_w


def test_the_rtx_4090_costs_and_earns_what_the_golden_case_of_2026_uses(
    known: catalogue.Catalogue,
) -> None:
    card = known.gpus["rtx-4090"]
    assert card.purchase_usd is not None
    assert card.purchase_usd.value == 3200
    rate, akash = card.rate_usd_per_hour, card.venue_rate_usd_per_hour["akash"]
    assert rate is not None
    assert (rate.low, rate.value, rate.high) == (0.30, 0.35, 0.62)
    assert (akash.low, akash.high) == (0.22, 0.37)


def test_a_household_pays_more_for_power_than_a_business(known: catalogue.Catalogue) -> None:
    assert known.tariffs["us-residential"].usd_per_kwh.value == 0.1872
    assert known.tariffs["us-commercial"].usd_per_kwh.value == 0.146
    assert all(0.03 < x.usd_per_kwh.value < 0.5 for x in known.tariffs.values())


def test_every_state_and_the_capital_has_a_tariff_for_households_and_one_for_industry(
    known: catalogue.Catalogue,
) -> None:
    tariffs = known.tariffs
    homes = {key.removesuffix("-residential") for key in tariffs if key.endswith("-residential")}
    works = {key.removesuffix("-industrial") for key in tariffs if key.endswith("-industrial")}
    assert homes == works
    assert len(homes - {"us"}) == 51
    assert tariffs["la-residential"].usd_per_kwh.value == 0.1302
    assert tariffs["nd-industrial"].usd_per_kwh.value == 0.0827
    assert tariffs["dc-residential"].place == "District of Columbia, United States"
    for key, tariff in tariffs.items():
        assert tariff.sector == key.split("-", 1)[1]


def test_households_paid_five_percent_more_a_year(known: catalogue.Catalogue) -> None:
    drift = known.assumptions["tariff_escalation"]
    assert (drift.figure.low, drift.figure.value, drift.figure.high) == (-0.003, 0.048, 0.106)
    assert drift.unit == "change per year"


def test_akash_alone_is_known_to_pay_for_staking(known: catalogue.Catalogue) -> None:
    assert [key for key, x in known.networks.items() if x.staking] == ["akash"]
    staking = known.networks["akash"].staking
    assert staking is not None
    assert (staking.yield_per_year.value, staking.yield_per_year.high) == (0.04, 0.07)
    assert (staking.commission.value, staking.unbonding_days.value) == (0.05, 14)
    assert staking.inflation_per_year is not None
    assert staking.inflation_per_year.grade == "D"


def test_a_capped_rtx_3090_keeps_95_percent_of_its_speed_at_280_watts(
    known: catalogue.Catalogue,
) -> None:
    card = known.gpus["rtx-3090"]
    (cap,) = card.power_caps
    assert cap.power * card.tdp_w.value == pytest.approx(280)
    assert cap.speed.value == 0.95
    assert [x.power for x in known.gpus["rtx-4090"].power_caps] == [0.67, 0.6]
    assert known.gpus["h100-sxm"].power_caps == ()
    assert known.assumptions["power_cap_speed_at_80"].figure.value == cap.speed.value


def test_ones_own_work_costs_nothing_unless_it_is_counted(known: catalogue.Catalogue) -> None:
    hours, wage = (known.assumptions[f"labour_{x}"] for x in ("hours_per_month", "usd_per_hour"))
    assert (hours.figure.value, hours.figure.high, wage.figure.value) == (0, 4, 25)
    assert (hours.unit, wage.unit) == ("hours per month", "USD per hour")


def test_whatever_counts_tokens_is_contaminated_by_their_price(
    known: catalogue.Catalogue,
) -> None:
    for measure in known.measures.values():
        if measure.nature == "flow" and ("token" in measure.id or measure.unit == "tokens"):
            assert measure.demand_class == "C", measure.id
    assert known.measures["gpu_hours"].demand_class == "A"
    assert known.measures["spend_usd"].demand_class == "AB"
    assert known.measures["price_usd"].demand_class is None


def test_a_price_of_zero_and_a_percent_are_outside_their_bounds(
    known: catalogue.Catalogue,
) -> None:
    price, utilization = known.measures["price_usd"], known.measures["utilization"]
    assert (price.low, price.exclusive_low) == (0, True)
    assert (utilization.low, utilization.high, utilization.unit) == (0, 1, "fraction")


def test_importing_the_catalogue_loads_no_library_of_numbers() -> None:
    script = (
        "import sys, research.catalogue as c; c.load();"
        "heavy = {'pandas', 'numpy', 'scipy', 'pyarrow', 'deltalake'} & set(sys.modules);"
        "raise SystemExit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
    assert done.returncode == 0
