"""Laws and doubts are shown side by side with the answer, and a law that refused says why."""

from __future__ import annotations

import re

import pytest

from research.figures import robustness
from research.figures.theme import Markup
from research.models.bootstrap import History
from research.models.decision import Decision, decide
from research.models.laws import Line
from research.models.uncertainty import BAND, Uncertainty
from research.origin import Origin
from tests.doubts import uncertainty
from tests.questions import question, weeks

ORIGIN = Origin.said("a test")


def text(markup: Markup) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup.html).split())


@pytest.fixture(scope="module")
def made() -> Decision:
    return decide(question())


@pytest.fixture(scope="module")
def doubt(made: Decision) -> Uncertainty:
    return uncertainty(made)


@pytest.fixture(scope="module")
def alone() -> Decision:
    history = History(returns=weeks(columns=("market",)))
    return decide(question(token=None, token_price_usd=None, history=history))


def test_a_law_shows_its_middle_futures_and_its_chances(made: Decision) -> None:
    line = Line(law="bootstrap", drift="zero", comparison=made.comparison, refusal="")

    said = text(robustness.show_laws([line], origin=ORIGIN))

    hold, rent = (made.comparison.outcomes[name].median for name in ("hold", "rent"))
    assert f"Weeks resampled in blocks none {hold:.2f} {rent:.2f}" in said
    assert f"{100 * made.comparison.beats('rent', 'hold').value:.0f} % (±" in said


def test_a_law_that_refused_says_why_and_shows_no_number(made: Decision) -> None:
    lines = [
        Line(law="bootstrap", drift="zero", comparison=made.comparison, refusal=""),
        Line(law="garch", drift="zero", comparison=None, refusal="the variance explodes"),
    ]

    said = text(robustness.show_laws(lines, origin=ORIGIN))

    assert "(GJR-GARCH, filtered history) none – – – –" in said
    assert "filtered history): no answer. The variance explodes." in said
    assert "nan" not in said.lower()


def test_where_all_laws_refused_the_reasons_are_left(made: Decision) -> None:
    line = Line(law="jumps", drift="zero", comparison=None, refusal="too few days")

    said = text(robustness.show_laws([line], origin=ORIGIN))

    assert "Normal days and rare jumps (Merton): no answer. Too few days." in said


def test_without_a_token_there_is_no_law_to_compare() -> None:
    said = text(robustness.show_laws((), origin=ORIGIN))

    assert said.startswith("Without a price of the token")


def test_both_bands_and_both_chances_are_shown(made: Decision, doubt: Uncertainty) -> None:
    said = text(robustness.show_uncertainty(made, doubt, origin=ORIGIN))

    known = made.comparison.outcomes["rent"].quantiles.iloc[-1]
    rows = re.findall(r"inputs (?:as assumed|in doubt)((?: -?\d+\.\d\d){5})", said)
    assert len(rows) == 4
    assert rows[2].split() == [f"{known[share]:.2f}" for share in BAND]
    assert rows[3].split() == [f"{doubt.band['rent'][share]:.2f}" for share in BAND]
    assert "81 % (± 2.0 points) 60 % to 95 %" in said
    assert "30 % (± 3.9 points) 5 % to 62 %" in said


def test_a_bar_reaches_over_nine_futures_in_ten(made: Decision, doubt: Uncertainty) -> None:
    figure = robustness.plot_bands(made, doubt, origin=ORIGIN)
    wide = [trace for trace in figure.data if trace.type == "bar"][0::2]
    middle = [trace for trace in figure.data if trace.type == "scatter"]

    hold = made.comparison.outcomes["hold"].quantiles.iloc[-1]
    for at, band in enumerate((hold, doubt.band["hold"])):
        assert wide[0].base[at] == pytest.approx(band[0.05], abs=1e-3)
        assert wide[0].base[at] + wide[0].x[at] == pytest.approx(band[0.95], abs=2e-3)
        assert middle[0].x[at] == pytest.approx(band[0.50], abs=1e-3)


def test_the_bands_are_told_to_who_cannot_see_them(made: Decision, doubt: Uncertainty) -> None:
    figure = robustness.plot_bands(made, doubt, origin=Origin.said("a test", simulated=True))
    rent = doubt.band["rent"]

    assert f"inputs in doubt: {rent[0.05]:.2f} to {rent[0.95]:.2f}" in figure.layout.meta["alt"]
    assert "SIMULATED DATA" in [note.text for note in figure.layout.annotations]
    assert all(
        axis.title.text
        for axis in (figure.layout.yaxis, figure.layout.yaxis2, figure.layout.xaxis2)
    )


def test_without_a_token_only_renting_is_doubted(alone: Decision) -> None:
    doubt = uncertainty(alone)

    figure = robustness.plot_bands(alone, doubt, origin=ORIGIN)
    said = text(robustness.show_uncertainty(alone, doubt, origin=ORIGIN))

    assert len([trace for trace in figure.data if trace.type == "scatter"]) == 1
    assert "olding" not in said
    assert "T-bills" in said
