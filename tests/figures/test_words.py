"""The answer in words says what the decision found, and nothing is rounded into a certainty."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.figures import outcomes, reverse, tables, theme, words
from research.figures.theme import Markup
from research.models.bootstrap import History
from research.models.comparison import Probability
from research.models.decision import Decision, decide
from research.models.futures import fit, live
from research.models.resampling import Interval
from research.models.what_if import Surface, surface
from research.origin import Origin
from tests.doubts import uncertainty
from tests.questions import PROCESSES, RIG, question, weeks

ORIGIN = Origin.said("a test")
SIMULATED = Origin.said("a test", simulated=True)


def text(markup: Markup) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup.html).split())


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0.344, "0.34 USD"), (-12.6, "-13 USD"), (3_014, "3,010 USD"), (45_678, "45,700 USD")],
)
def test_an_amount_is_rounded_to_what_it_means(amount: float, said: str) -> None:
    assert words.usd(amount) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        *[(0.0, "0 %"), (-0.0, "0 %"), (-0.003, "0 %"), (0.004, "under 1 %")],
        *[(0.996, "over 99 %"), (1.0, "100 %")],
    ],
)
def test_a_chance_is_never_rounded_to_a_certainty(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("share", "said"), [(-260.443, "-26,040 %"), (12.34, "1,234 %"), (-0.47, "-47 %")]
)
def test_a_large_percentage_is_rounded_to_what_it_means(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(21_004.76, "21,000"), (5_673.83, "5,674"), (602.0, "602"), (45.678, "45.68")],
)
def test_a_large_ratio_has_four_digits(value: float, said: str) -> None:
    assert words.ratio(value) == words.per_usd(value) == said


def test_a_chance_short_of_certain_is_certain_in_no_nine_worlds_in_ten() -> None:
    almost = Probability(value=0.9997, std_error=1e-4, nobs=100_000)

    assert words.with_error(almost) == "over 99 % (± under 0.1 points)"
    assert words.nine_worlds_in_ten(Interval(1.0, 1.0), almost) == "over 99 %"
    assert words.nine_worlds_in_ten(Interval(0.7, 1.0), almost) == "70 % to over 99 %"
    assert words.nine_worlds_in_ten(Interval(1.0, 1.0), replace(almost, value=1.0)) == "100 %"


@pytest.mark.parametrize(("wealth", "said"), [(-0.001, "0.00"), (-0.006, "-0.01"), (1.0, "1.00")])
def test_wealth_of_nothing_has_no_minus(wealth: float, said: str) -> None:
    assert words.per_usd(wealth) == said


def test_a_probability_carries_its_monte_carlo_error() -> None:
    half = Probability(value=0.5, std_error=0.005, nobs=10_000)

    assert words.with_error(half) == "50 % (± 1.0 points)"


def test_a_rig_that_earns_nothing_and_a_token_without_drift_give_neither() -> None:
    poor = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=0.01)))

    said = text(words.show_answer(poor, origin=ORIGIN))

    assert poor.choice == "neither"
    assert said.startswith("Neither: over 12 months, holding AKT and renting out one RTX 4090")


def test_a_rig_that_earns_its_price_in_months_is_to_be_rented_out() -> None:
    rich = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=2.0)))

    assert rich.choice == "rent"
    assert text(words.show_answer(rich, origin=ORIGIN)).startswith("Rent: over 12 months")


def test_a_network_without_a_price_is_said_to_be_beyond_judgement() -> None:
    alone = decide(
        question(
            token=None, token_price_usd=None, history=History(returns=weeks(columns=("market",)))
        )
    )

    said = text(words.show_answer(alone, origin=ORIGIN))

    assert "token cannot be judged, for lack of public data" in said
    assert "holding AKT" not in said
    assert alone.rent_beats_hold is None


def test_an_impossible_break_even_is_called_impossible() -> None:
    dear = decide(question(rig=replace(RIG, gpu_usd=8_000), capital_usd=9_000))

    said = text(tables.show_flips(dear, origin=ORIGIN))

    assert re.search(r"Utilization 60 % impossible \(\d+ %\)", said)


def test_a_rate_of_return_beyond_a_hundredfold_a_year_is_told_as_that() -> None:
    rich = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=50.0)))

    said = text(tables.show_appraisal(rich, origin=ORIGIN))

    assert "Internal rate of return a year over 10,000 %" in said


def test_a_payout_in_tokens_has_no_rate_to_flip() -> None:
    venue = replace(question().venue, payout="token-quoted", tokens_per_week=50.0)

    said = text(tables.show_flips(decide(question(venue=venue)), origin=Origin.said("")))

    assert "Rental rate" not in said
    assert re.search(r"Price of AKT 0.5 USD [\d.]+ USD", said)


def test_a_token_expected_to_stand_still_is_said_to_fall_in_the_middle_future() -> None:
    said = text(words.show_answer(decide(question()), origin=ORIGIN))

    assert "expected neither to rise nor to fall" in said
    assert "so the middle future is a fall. What if" in said


def test_growth_that_was_asked_for_is_said_beside_the_drift() -> None:
    rising = decide(question(token_growth_per_year=1.0))

    said = text(words.show_answer(rising, origin=ORIGIN))

    assert "AKT grows by 100 % a year on top of that" in said


def test_without_a_token_nothing_is_said_of_its_growth() -> None:
    history = History(returns=weeks(columns=("market",)))
    alone = decide(question(token=None, token_price_usd=None, history=history))

    said = text(words.show_answer(alone, origin=ORIGIN))

    assert "under assumptions listed below. What if an assumption" in said
    assert "neither to rise" not in said


def test_the_price_at_which_a_token_income_is_level_is_a_price_and_not_a_growth() -> None:
    venue = replace(question().venue, payout="token-quoted", tokens_per_week=50.0)
    paid_in_tokens = decide(question(venue=venue))
    flip = next(each for each in paid_in_tokens.flips if each.input == "token")

    said = text(tables.show_flips(paid_in_tokens, origin=Origin.said("")))

    assert flip.value is not None
    assert f"{0.5 * flip.value:.3g} USD from the first month on" in said
    assert "growth than assumed" not in said


def test_where_income_is_in_usd_level_with_the_token_is_a_growth() -> None:
    said = text(tables.show_flips(decide(question()), origin=Origin.said("")))

    assert re.search(r"\d+ % a year (more|less) growth than assumed", said)


def test_hostile_names_stay_text() -> None:
    hostile = question(network="<script>alert(1)</script>", gpu="<img src=x>")

    shown = (
        words.show_title(hostile).html + words.show_answer(decide(hostile), origin=SIMULATED).html
    )

    assert "<script" not in shown
    assert "<img" not in shown


def test_the_table_of_months_has_a_line_a_month() -> None:
    shown = tables.show_months(decide(question()), origin=ORIGIN).html

    assert shown.count("<tr>") == 1 + 12


def test_every_simulated_table_says_so() -> None:
    decision = decide(question())
    empty = pd.DataFrame()

    shown = [
        words.show_answer(decision, origin=SIMULATED),
        outcomes.show_outcomes(decision, origin=Origin.said("", simulated=True)),
        tables.show_flips(decision, origin=Origin.said("", simulated=True)),
        tables.show_appraisal(decision, origin=Origin.said("", simulated=True)),
        tables.show_months(decision, origin=Origin.said("", simulated=True)),
        tables.show_provenance(empty, origin=SIMULATED),
    ]

    assert all("Simulated data" in each.html for each in shown)


@pytest.fixture(scope="module")
def neither() -> Decision:
    return decide(question(processes=replace(PROCESSES, rate_usd_per_hour=0.2)))


@pytest.fixture(scope="module")
def worthwhile() -> Decision:
    return decide(question(processes=replace(PROCESSES, rate_usd_per_hour=0.6)))


def grid_of(decision: Decision) -> Surface:
    q = decision.question
    return surface(q, fit(q), tariff_range=(0.05, 0.3))


def test_every_alternative_has_a_name_a_short_one_and_a_colour() -> None:
    asked = question(
        staking_yield_per_year=0.05,
        history=History(returns=weeks().assign(basket=lambda each: 0.7 * each["token"])),
    )
    compared = live(asked, fit(asked)).comparison

    assert len(compared.outcomes) == 10
    for names in (words.names_of(asked, compared), words.short_names_of(asked, compared)):
        assert list(names) == list(compared.outcomes)
        assert len(set(names.values())) == 10
    assert set(compared.outcomes) <= set(theme.COLOURS)


def test_the_answer_counts_the_futures_that_were_simulated_not_those_allowed() -> None:
    stopped = decide(question(n_paths=50_000, max_std_error=0.05))

    said = text(words.show_answer(stopped, origin=ORIGIN))

    assert stopped.comparison.n_paths == 10_000
    assert "count 10,000 simulated futures" in said


def test_the_answer_says_the_chance_with_the_doubt_about_the_inputs(neither: Decision) -> None:
    doubt = uncertainty(neither)

    said = text(words.show_answer(neither, origin=ORIGIN, uncertainty=doubt))

    assert "With the doubt about the inputs, too, the chance that renting ends ahead of" in said
    assert "holding AKT is 81 % (nine worlds in ten: 60 % to 95 %)" in said
    assert "With the doubt" not in text(words.show_answer(neither, origin=ORIGIN))


def test_the_utilization_that_renting_is_said_to_need_turns_the_answer(neither: Decision) -> None:
    asked = replace(neither.question, processes=replace(PROCESSES, rate_usd_per_hour=0.3))
    said = text(reverse.reverse_stress(decide(asked), grid_of(decide(asked))))
    found = re.search(r"Utilization above (\d+) % \(assumed: 60 %; it would have to rise", said)

    assert found is not None
    needed = int(found.group(1)) / 100
    for utilization, choice in ((needed + 0.02, "rent"), (needed - 0.02, "neither")):
        there = replace(asked.processes, utilization_mean=utilization)
        # the paths differ by the law of utilization around its mean, hence two points of room
        assert decide(replace(asked, processes=there)).choice == choice


def test_what_renting_must_keep_is_nearest_first(worthwhile: Decision) -> None:
    said = text(reverse.reverse_stress(worthwhile, grid_of(worthwhile)))

    far = [int(found) for found in re.findall(r"it may (?:rise|fall) by (\d+) %", said)]
    assert worthwhile.choice == "rent"
    assert said.startswith("Renting wins only as long as each of these is true")
    assert len(far) == 3
    assert far == sorted(far)


def test_what_cannot_be_is_called_impossible() -> None:
    poor = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=0.05)))

    said = text(reverse.reverse_stress(poor, grid_of(poor)))

    assert "Utilization: impossible; even rented out every hour the rig ends behind T-bills" in said
    assert "Price of electricity: impossible; even with free power" in said


def test_a_price_of_electricity_that_flips_nothing_is_told_as_far_as_it_was_tried() -> None:
    rich = decide(question(processes=replace(PROCESSES, rate_usd_per_hour=50.0)))

    said = text(reverse.reverse_stress(rich, grid_of(rich)))

    assert "Price of electricity: any price up to 5 USD/kWh will do" in said
    assert "renting ahead at any price up to 5 USD/kWh" in text(
        tables.show_flips(rich, origin=ORIGIN)
    )


def test_where_nothing_is_rented_the_flips_of_renting_are_said_to_be_untold() -> None:
    idle = decide(question(processes=replace(PROCESSES, utilization_mean=0.0)))

    said = text(reverse.reverse_stress(idle, grid_of(idle)))

    assert "Utilization and rental rate: not told, as nothing is assumed to be rented" in said
    assert re.search(
        r"Utilization 0 % .* not told: nothing is rented",
        text(tables.show_flips(idle, origin=ORIGIN)),
    )


def test_a_rate_that_flips_nothing_is_told_as_far_as_it_was_tried() -> None:
    asked = question(processes=replace(PROCESSES, utilization_mean=0.01), capital_usd=2_200)
    poor = decide(replace(asked, processes=replace(asked.processes, rate_usd_per_hour=0.1)))

    said = text(tables.show_flips(poor, origin=ORIGIN))

    assert "renting behind at any rate up to 2 USD/h" in said


def test_holding_wins_from_the_growth_on_at_which_the_what_if_says_so(neither: Decision) -> None:
    made = grid_of(neither)
    made = replace(
        made,
        hold_beats_cash=np.where(made.token_growths >= 0.5, 0.7, 0.2),
        beats_cash=np.full(made.shape, 0.1),
    )

    said = text(reverse.reverse_stress(neither, made))

    assert "Holding AKT wins only with an expected growth above a value that lies between " in said
    assert "between 25 % and 50 % a year (assumed: 0 %)" in said


def test_a_growth_that_no_place_of_the_what_if_has_is_said_to_be_beyond_it(
    neither: Decision,
) -> None:
    made = grid_of(neither)
    made = replace(made, hold_beats_cash=np.full(len(made.token_growths), 0.2))

    said = text(reverse.reverse_stress(neither, made))

    assert "expected growth above 100 % a year, the most that was tried" in said


def test_without_a_token_nothing_is_said_of_holding() -> None:
    history = History(returns=weeks(columns=("market",)))
    alone = decide(question(token=None, token_price_usd=None, history=history))

    said = text(reverse.reverse_stress(alone, grid_of(alone)))

    assert "olding" not in said
    assert "Rental rate" in said


def test_where_holding_beats_t_bills_renting_must_beat_both() -> None:
    risen = decide(question(token_growth_per_year=4.0))
    against = {(flip.input, flip.against): flip.value for flip in risen.flips}
    harder = max(
        against["rate_usd_per_hour", "hold"] or 0, against["rate_usd_per_hour", "t-bill"] or 0
    )

    said = text(reverse.reverse_stress(risen, grid_of(risen)))

    assert risen.choice == "hold"
    assert f"Rental rate above {harder:.2f} USD/h" in said
    assert "Holding AKT wins wherever renting does not" in said


def test_where_the_past_counts_a_growth_that_turns_the_answer_is_said_to_come_on_top(
    worthwhile: Decision,
) -> None:
    made = grid_of(worthwhile)
    high = made.token_growths >= 0.5
    made = replace(
        made,
        hold_beats_cash=np.where(high, 0.7, 0.2),
        beats_cash=np.full(made.shape, 0.9),
        beats_hold=np.broadcast_to(np.where(high, 0.3, 0.9)[:, None], made.shape),
    )
    past = replace(worthwhile, question=replace(worthwhile.question, drift="historical"))

    said = text(reverse.reverse_stress(past, made))

    assert (
        "Growth of AKT below a value that lies between 25 % and 50 % a year (assumed: 0 %), "
        "on top of what its past counts for"
    ) in said


def test_the_largest_error_of_a_share_is_that_of_one_half() -> None:
    # 1.96 * sqrt(0.5 * 0.5 / 5,000) is 1.39 points
    assert words.error_at_most(5_000) == "± 1.4 points at most"
    assert words.error_at_most(10_000) == "± 1.0 points at most"
