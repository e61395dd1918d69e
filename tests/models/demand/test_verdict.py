"""Every combination of evidence has one grade, and it is the one that was agreed on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.models.demand.verdict import Evidence, judge, judge_long_run

SOLID = Evidence(
    demand_class="A", nobs=200, rho=0.4, low=0.25, high=0.53, qvalue=0.001, mde=0.27,
    same_sign_share=0.9, halves=(0.35, 0.45), raw_rho=0.5,
)  # fmt: skip
FORECASTS: dict[str, Any] = {"clark_west_pvalue": 0.01, "r2_out_of_sample": 0.02}


def grade(**changes: Any) -> str:
    return judge("co-movement", replace(SOLID, **changes)).grade


def test_a_stable_association_is_moderate() -> None:
    assert grade() == "moderate"


def test_with_forecasts_that_improved_it_is_strong() -> None:
    assert grade(**FORECASTS) == "strong"


def test_with_a_price_that_corrects_it_is_strong() -> None:
    assert grade(price_corrects=True) == "strong"


def test_support_from_an_older_regime_does_not_count() -> None:
    assert grade(**FORECASTS, is_latest_regime=False) == "moderate"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"qvalue": 0.07}, "7 %"),
        ({"rho": 0.29}, "smaller than 0.30"),
        ({"same_sign_share": 0.6}, "sign changes"),
        ({"halves": (0.6, -0.1)}, "halves"),
        ({"raw_rho": -0.1}, "other sign"),
    ],
)
def test_one_doubt_makes_it_weak_and_is_named(changes: Any, reason: Any) -> None:
    verdict = judge("co-movement", replace(SOLID, **changes))
    assert verdict.grade == "weak"
    assert reason in verdict.reason


def test_no_association_with_power_is_none() -> None:
    assert grade(rho=0.02, low=-0.12, high=0.16, qvalue=0.8) == "none"


def test_no_association_without_power_is_untestable() -> None:
    assert grade(nobs=60, rho=0.02, low=-0.2, high=0.2, qvalue=0.8, mde=0.48) == "untestable"


def test_an_interval_that_contains_a_relevant_effect_is_untestable() -> None:
    assert grade(rho=0.2, low=-0.02, high=0.36, qvalue=0.2) == "untestable"


def test_too_few_weeks_are_untestable_however_strong_the_association() -> None:
    verdict = judge("co-movement", replace(SOLID, nobs=51, **FORECASTS))
    assert verdict.grade == "untestable"
    assert "51 weeks, 52 needed" in verdict.reason


def test_doubtful_data_are_untestable_and_the_doubt_is_told() -> None:
    verdict = judge("co-movement", replace(SOLID, flagged="the source repeated a price"))
    assert (verdict.grade, "repeated a price" in verdict.reason) == ("untestable", True)


fractions = st.floats(-1, 1)
evidence = st.builds(
    Evidence,
    demand_class=st.sampled_from(["A", "B", "C"]),
    nobs=st.integers(0, 400),
    rho=st.none() | fractions, low=st.none() | fractions, high=st.none() | fractions,
    qvalue=st.none() | st.floats(0, 1), mde=st.none() | st.floats(0, 1),
    same_sign_share=st.none() | st.floats(0, 1), halves=st.none() | st.tuples(fractions, fractions),
    raw_rho=st.none() | fractions, clark_west_pvalue=st.none() | st.floats(0, 1),
    r2_out_of_sample=st.none() | fractions, price_corrects=st.booleans(),
    is_latest_regime=st.booleans(),
)  # fmt: skip


@given(evidence)
def test_all_evidence_has_a_grade_and_a_sentence(found: Any) -> None:
    verdict = judge("prediction", found)
    assert verdict.grade in ("strong", "moderate", "weak", "none", "untestable")
    assert verdict.reason.endswith(".")


@given(evidence)
def test_a_figure_that_contains_the_price_is_never_evidence(found: Any) -> None:
    assert judge("co-movement", replace(found, demand_class="C")).grade == "untestable"


@given(evidence)
def test_a_grade_above_weak_needs_a_convincing_and_large_association(found: Any) -> None:
    if judge("co-movement", found).grade in ("moderate", "strong"):
        assert found.qvalue < 0.05
        assert abs(found.rho) >= 0.30


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"cointegrated": True, "n_agreeing": 2, "alpha_price_t": -1.9, "alpha_demand_t": 3.1},
         "weak"),
        ({"cointegrated": True, "n_agreeing": 3, "alpha_price_t": -2.5}, "weak"),
        ({"cointegrated": True, "n_agreeing": 2, "alpha_price_t": -4, "short_run_qvalue": 0.01},
         "weak"),
        ({"cointegrated": True, "n_agreeing": 3, "alpha_price_t": -2.5, "short_run_qvalue": 0.01},
         "moderate"),
        ({"cointegrated": True, "n_agreeing": 3, "alpha_price_t": -4, "short_run_qvalue": 0.01},
         "strong"),
        ({"cointegrated": False, "n_agreeing": 1}, "none"),
        ({"cointegrated": False, "nobs": 110}, "untestable"),
        ({"refused": "80 weeks, 100 needed"}, "untestable"),
        ({"demand_class": "C", "cointegrated": True, "n_agreeing": 3}, "untestable"),
    ],
)  # fmt: skip
def test_the_long_run_is_graded_by_who_adjusts(found: Any, expected: Any) -> None:
    assert judge_long_run(**{"demand_class": "A", "nobs": 200, **found}).grade == expected
