"""Venues, risks and stresses: what the built-in ones say, and what is refused."""

import datetime as dt
from pathlib import Path

import pytest

from research import catalogue
from research.catalogue import Catalogue, Figure, UnknownSubjectError, graded_kinds
from research.errors import CatalogueError


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue.load(tmp_path_factory.mktemp("nothing_of_my_own"))


def value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def test_the_venues_pay_dollars_and_keep_a_fee(known: Catalogue) -> None:
    fees = {key: x.platform_fee.value for key, x in known.venues.items()}
    assert fees == {"vast": 0.25, "runpod": 0.24, "salad": 0.25, "cloud": 0.04}
    assert {x.payout for x in known.venues.values()} == {"usd"}
    assert [x.platform_fee.grade for x in known.venues.values()] == ["D", "B", "D", "D"]
    assert not set(known.venues) & set(known.networks)


def test_the_fee_of_vast_is_the_fee_of_a_marketplace_where_none_is_known(known: Catalogue) -> None:
    fee, assumed = known.venues["vast"].platform_fee, known.assumptions["marketplace_fee"].figure
    assert (fee.value, fee.low, fee.high) == (assumed.value, assumed.low, assumed.high)


@pytest.mark.parametrize(
    ("gpu", "rates"),
    [
        ("rtx-3090", {"akash": 0.3, "vast": 0.125, "runpod": 0.22, "salad": 0.124, "cloud": 0.35}),
        ("rtx-4090",
         {"akash": 0.335, "vast": 0.371, "runpod": 0.34, "salad": 0.204, "cloud": 0.53}),
        ("rtx-5090", {"akash": 0.55, "vast": 0.45, "runpod": 0.69, "salad": 0.294, "cloud": 0.925}),
        ("a100-pcie-80", {"vast": 0.775, "runpod": 1.19, "cloud": 1.5}),
        ("h100-sxm", {"akash": 1.585, "vast": 2.27, "runpod": 2.69, "cloud": 3.2}),
    ],
)  # fmt: skip
def test_a_card_rents_for_what_was_seen_at_each_place(
    known: Catalogue, gpu: str, rates: dict[str, float]
) -> None:
    seen = known.gpus[gpu].venue_rate_usd_per_hour
    assert {place: rate.value for place, rate in seen.items()} == rates


def test_vast_charges_for_an_rtx_4090_what_the_golden_case_of_2026_uses(known: Catalogue) -> None:
    rate = known.gpus["rtx-4090"].venue_rate_usd_per_hour["vast"]
    assert (rate.low, round(rate.value, 2), rate.high) == (0.344, 0.37, 0.402)


def kinds(known: Catalogue, subject: str, day: dt.date) -> list[str]:
    return sorted({risk.kind for risk in known.counted_risks(subject, day)})


def test_akash_counts_oracle_breaker_migration_and_payout_rule(known: Catalogue) -> None:
    day = dt.date(2026, 4, 1)
    four = ["circuit-breaker", "oracle", "payout-rule", "pending-migration"]
    assert kinds(known, "akash", day) == four
    assert known.counted_risks("AKT", day) == known.counted_risks("akash", day)


@pytest.mark.parametrize(
    ("day", "counted"),
    [
        ((2025, 12, 14), []),
        ((2025, 12, 15), ["pending-migration"]),  # announced
        ((2026, 3, 22), ["pending-migration"]),
        ((2026, 3, 23), ["circuit-breaker", "oracle", "payout-rule", "pending-migration"]),
        ((2026, 12, 30), ["circuit-breaker", "no-sla", "oracle", "payout-rule",
                          "pending-migration", "unpublished-terms"]),
        ((2026, 12, 31), ["circuit-breaker", "no-sla", "oracle", "payout-rule",
                          "unpublished-terms"]),  # the day itself is not ahead
    ],
)  # fmt: skip
def test_a_risk_counts_from_the_day_of_its_source_and_a_migration_until_its_own(
    known: Catalogue, day: tuple[int, int, int], counted: list[str]
) -> None:
    assert kinds(known, "akash", dt.date(*day)) == counted


def test_a_change_of_the_payout_rule_counts_for_a_year(known: Catalogue) -> None:
    change = dt.date(2025, 6, 4)  # reward pools of io.net
    for days, counted in ((-1, False), (0, True), (365, True), (366, False)):
        facts = known.counted_risks("io-net", change + dt.timedelta(days))
        assert ("io-net-reward-pools" in [x.id for x in facts]) == counted


def test_an_event_counts_only_once_it_is_published(known: Catalogue) -> None:
    cut = known.events["akash-inflation-cut"]
    assert cut.published > cut.date
    before, after = (
        [x.id for x in known.counted_risks("akash", day)]
        for day in (cut.date, dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC))
    )
    assert "akash-inflation-cut" not in before
    assert "akash-inflation-cut" in after


def test_nothing_that_is_counted_was_published_later(known: Catalogue) -> None:
    for subject in [*known.networks, *known.venues]:
        for day in (dt.date(2024, 1, 1), dt.date(2025, 12, 31), dt.date(2026, 6, 30)):
            assert all(risk.date <= day for risk in known.counted_risks(subject, day))


def test_every_subject_of_the_study_and_every_marketplace_has_a_counted_risk(
    known: Catalogue,
) -> None:
    subjects = [key for key, x in known.networks.items() if x.role == "subject"]
    for place in [*subjects, "nosana", "vast", "runpod", "salad"]:
        assert known.counted_risks(place, dt.date(2026, 11, 30)), place
    assert known.counted_risks("cloud", dt.date(2026, 11, 30)) == ()


@pytest.mark.parametrize(
    ("subject", "graded"),
    [
        ("akash", 4),  # of six kinds: the breaker counts with the oracle, unpublished terms do not
        ("kazam", None),
        ("cloud", None),  # nothing is on record
        ("vast", 0),  # what is known is that nobody vets the nodes, which does not count
    ],
)
def test_a_contract_of_which_nothing_is_known_has_no_count(
    known: Catalogue, subject: str, graded: int | None
) -> None:
    assert graded_kinds(known.counted_risks(subject, dt.date(2026, 11, 30))) == graded


@pytest.mark.parametrize("subject", ["rtx-4090", "BTC", "nowhere"])
def test_risks_of_what_is_no_place_are_refused(known: Catalogue, subject: str) -> None:
    with pytest.raises(UnknownSubjectError):
        known.counted_risks(subject, dt.date(2026, 6, 30))


def test_the_stresses_are_the_named_six(known: Catalogue) -> None:
    assert list(known.stresses) == [
        "crypto-2022", "listing-crash", "new-generation", "halved-rate", "payout-rule", "shutdown",
    ]  # fmt: skip
    assert not any(x.recovers for x in known.stresses.values())


def test_2022_took_nine_tenths_of_akt_and_two_thirds_of_bitcoin(known: Catalogue) -> None:
    stress = known.stresses["crypto-2022"]
    assert value(stress.token_change_of("akash")) == pytest.approx(0.1873 / 1.9034 - 1, abs=5e-4)
    assert value(stress.token_change_of("render")) == pytest.approx(0.4026 / 4.6115 - 1, abs=5e-4)
    assert value(stress.market_change) == pytest.approx(16547.5 / 46306.45 - 1, abs=5e-4)
    named = sorted(x.value for x in stress.token_change_by_network.values())
    assert value(stress.token_change_of("io-net")) == pytest.approx(
        (named[2] + named[3]) / 2, abs=1e-3
    )
    assert stress.reached_after_months == 12
    assert stress.resale_change is None


def test_each_stress_changes_what_its_name_says_and_nothing_else(known: Catalogue) -> None:
    listing, card, rate, rule, end = list(known.stresses.values())[1:]
    assert value(listing.token_change) == -0.808
    assert listing.market_change is None
    assert value(card.resale_change) == pytest.approx(871 / 2737 - 1, abs=5e-4)
    assert (value(rate.rate_change), rate.reached_after_months) == (-0.5, 10)
    assert (value(rule.payout_fee), value(rule.reward_change)) == (0.2, 10 / 25 - 1)
    assert (end.shutdown_month, end.after_shutdown) == (7, "open-market")
    assert (value(end.token_change), end.grade) == (-0.99, "D")
    assert [x.token_change_of("akash") for x in (card, rate, rule)] == [None] * 3


ONE = '{ value = 0.1, source = "me", date = 2026-01-02, grade = "C" }'
ENDS = 'source = "me"\ndate = 2026-01-02\ngrade = "C"\n'
VENUE = f'[venues.mine]\nname = "Mine"\npayout = "usd"\nplatform_fee = {ONE}\nsummary = "x"\n{ENDS}'
RISK = f'[risks.mine]\nsubject = "vast"\nkind = "no-sla"\nsummary = "x"\n{ENDS}'
STRESS = f'[stresses.mine]\nname = "Mine"\nsummary = "x"\nrate_change = {ONE}\n{ENDS}'


def refusal(folder: Path, text: str) -> str:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as error:
        catalogue.load(folder)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "right", "wrong", "line", "reason"),
    [
        (VENUE, "0.1", "10", 4, "accepted: a fraction from 0 to 1, no percent"),
        (VENUE, '"usd"', '"token-quoted"', 3, "accepted: usd"),
        (VENUE, 'payout = "usd"\n', "", 1, "payout: missing"),
        (VENUE, "summary", "sla = 1\nsummary", 5, "accepted: true or false"),
        (VENUE, "venues.mine", "venues.akash", 1, "akash is a network too"),
        (RISK, '"vast"', '"vats"', 2, "vats is unknown, did you mean vast?"),
        (RISK, '"vast"', '"rtx-4090"', 2, "rtx-4090 is unknown"),
        (RISK, '"no-sla"', '"bad-luck"', 3, "accepted: no-sla, unvetted-nodes, slashing"),
        (RISK, "2026-01-02", '"soon"', 6, "accepted: a date such as"),
        (STRESS, "0.1", "-1.5", 4, "accepted: a change of -1 or more"),
        (STRESS, f"rate_change = {ONE}\n", "", 1, "a stress that changes nothing"),
        (STRESS, "rate_change", "rate_chance", 4, "unknown key; accepted: name, summary"),
        (STRESS, ENDS, f"reached_after_months = 0\n{ENDS}", 1, "reached_after_months 0 is below 1"),
        (STRESS, ENDS, f"reached_after_months = 1.5\n{ENDS}", 5, "accepted: a whole number"),
        (STRESS, ENDS, f"shutdown_month = 3\n{ENDS}", 1, "need each other"),
        (STRESS, ENDS, f"token_change_by_network.akash = {ONE}\n{ENDS}", 1, "for the other tokens"),
        (
            STRESS,
            ENDS,
            f"token_change = {ONE}\ntoken_change_by_network.akahs = {ONE}\n{ENDS}",
            6,
            "akahs is unknown, did you mean akash?",
        ),
    ],
)
def test_a_wrong_venue_risk_or_stress_is_refused_with_its_line(
    tmp_path: Path, text: str, right: str, wrong: str, line: int, reason: str
) -> None:
    assert right in text
    message = refusal(tmp_path, text.replace(right, wrong, 1))
    assert message.startswith(f"{tmp_path / 'mine.toml'}:{line}: ")
    assert reason in message


CAPS = """\
[gpus.rtx-5090]
power_caps = [
  { power = %s, speed = %s },
  { power = %s, speed = %s },
]
"""


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ((0.6, 0.8), (0.8, 0.95), "power_caps do not fall in power and speed"),
        ((0.8, 0.8), (0.6, 0.95), "power_caps do not fall in power and speed"),
        ((80, 0.95), (0.6, 0.8), "power 80 is no share of the board power"),
        ((0.8, 95), (0.6, 0.8), "accepted: a fraction from 0 to 1, no percent"),
    ],
)
def test_a_wrong_curve_of_power_and_speed_is_refused(
    tmp_path: Path, first: tuple[float, float], second: tuple[float, float], reason: str
) -> None:
    figures = [
        item
        for power, speed in (first, second)
        for item in (power, ONE.replace("0.1", str(speed), 1))
    ]
    assert reason in refusal(tmp_path, CAPS % tuple(figures))


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("value = 0.05,", "value = 5,", "commission: value 5 is out of bounds"),
        ("value = 14,", "value = -14,", "unbonding_days: value -14 is out of bounds"),
    ],
)
def test_wrong_terms_of_staking_are_refused(
    tmp_path: Path, right: str, wrong: str, reason: str
) -> None:
    tail = 'source = "me", date = 2026-01-02, grade = "C" }'
    text = (
        f"[networks.golem.staking]\nyield_per_year = {ONE}\n"
        f"commission = {{ value = 0.05, {tail}\nunbonding_days = {{ value = 14, {tail}\n"
        f'summary = "x"\n{ENDS}'
    )
    (tmp_path / "mine.toml").write_text(text)
    assert catalogue.load(tmp_path).networks["golem"].staking is not None
    assert reason in refusal(tmp_path, text.replace(right, wrong))
