"""What an owner can choose is shown beside what it brings, and what cannot be told is a dash."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.figures import places
from research.figures.theme import Markup
from research.figures.words import usd
from research.models.decision import Decision, decide
from research.models.futures import fit
from research.models.mixed import mixed_of
from research.models.rig import Policy
from research.models.venues import Offer, side_by_side
from research.origin import Origin
from tests.questions import question

ORIGIN = Origin.said("a test")


def text(markup: Markup) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup.html).split())


def venues() -> pd.DataFrame:
    rows = {
        "Akash": ("usd-quoted", 0.4, 0.1, 5.66, 3.2, 812.3, 0.42, 0.61),
        "Render": ("token-quoted", np.nan, 0.0, 3.85, 1.65, -1_284.0, 1.31, np.nan),
        "Given away": ("usd", 0.2, 0.25, 2.7, -0.15, -3_220.0, -0.2, 0.004),
    }
    names = ["payout", "rate_usd_per_hour", "platform_fee", "gross_usd_per_day", "net_usd_per_day",
             "npv_usd", "break_even_utilization", "beats_cash"]  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("venue")


def caps() -> pd.DataFrame:
    """Power caps whose margin is highest in the middle."""
    index = pd.Index([1.0, 0.8, 0.6], name="cap")
    return pd.DataFrame(
        {
            "speed": [1.0, 0.985, 0.9],
            "load_w": [450.0, 360.0, 270.0],
            "income_usd": [120.0, 118.0, 105.0],
            "electricity_usd": [50.0, 42.0, 35.0],
            "margin_usd": [70.0, 76.0, 70.0],
        },
        index=index,
    )


@pytest.fixture(scope="module")
def made() -> Decision:
    return decide(question(staking_yield_per_year=0.05))


def test_a_venue_shows_what_it_pays_and_what_is_left() -> None:
    said = text(places.show_venues(venues(), origin=ORIGIN))

    assert "Akash tokens, by USD 0.40 10 % 5.66 3.20 812 42 % 61 %" in said


def test_what_a_venue_does_not_have_is_a_dash_or_a_word() -> None:
    said = text(places.show_venues(venues(), origin=ORIGIN))

    assert "Render tokens, fixed – 0 % 3.85 1.65 -1,280 impossible –" in said
    assert "Given away USD 0.20 25 % 2.70 -0.15 -3,220 any under 1 %" in said
    assert "nan" not in said.lower()


def test_a_missing_break_even_is_a_dash_too() -> None:
    frame = venues().assign(break_even_utilization=pd.Series([None, 0.5, 0.5], venues().index))

    assert "812 – 61 %" in text(places.show_venues(frame, origin=ORIGIN))


def test_the_cap_that_leaves_most_is_marked_and_no_other() -> None:
    said = text(places.show_power(caps(), origin=ORIGIN))

    assert said.count("(best)") == 1
    assert "80 % (best) 98 % 360 118.0 42.0 76.0" in said


def test_the_picture_of_caps_rings_the_best() -> None:
    figure = places.plot_power(caps(), origin=Origin.said("a test", simulated=True))
    ring = next(trace for trace in figure.data if trace.name == "Best cap")

    assert (ring.x[0], ring.y[0]) == (80.0, 76.0)
    assert "Best at 80 % of board power with 76 USD; 70 USD at 100 %." in figure.layout.meta["alt"]
    assert figure.layout.xaxis.title.text == "Power cap (% of board power)"


def test_the_worth_of_stopping_is_the_difference_to_running_on(made: Decision) -> None:
    plain, free = (made.comparison.outcomes[name].mean for name in ("rent", "rent-options"))

    said = text(places.show_options(made, origin=ORIGIN))

    amounts = [usd(2_200 * each) for each in (plain, free, free - plain)]
    assert f"Mean {' '.join(amounts)}" in said


def test_a_rig_that_always_stops_has_no_choice_to_value() -> None:
    stops = decide(question(policy=Policy(switch_off=True, sell_rig=True)))

    said = text(places.show_options(stops, origin=ORIGIN))

    assert "no such choice to be valued" in said


def test_there_is_a_row_for_each_use_of_tokens(made: Decision) -> None:
    said = text(places.show_policies(made, origin=ORIGIN))

    for row, name in (
        ("All sold on receipt", "rent"),
        ("Half sold, half kept", "rent-half"),
        ("All kept", "rent-hold"),
        ("Kept and staked at 5.0 % a year", "rent-stake"),
    ):
        outcome = made.comparison.outcomes[name]
        low = outcome.quantiles[0.05].iloc[-1]
        assert f"{row} {low:.2f} {outcome.median:.2f}" in said


def test_a_share_of_tokens_of_ones_own_is_named_as_it_is() -> None:
    shared = decide(question(policy=Policy(sell_share=0.3)))

    said = text(places.show_policies(shared, origin=ORIGIN))

    assert "30 % sold, the rest kept" in said


def test_income_in_usd_leaves_no_tokens_to_keep() -> None:
    paid = decide(question(venue=replace(question().venue, payout="usd")))

    said = text(places.show_policies(paid, origin=ORIGIN))

    assert said == "Income arrives in USD here, so there are no tokens to keep."


def test_two_kinds_of_card_stand_beside_their_mix_and_none_is_asked_for_by_name() -> None:
    asked = question(n_paths=500)
    found = mixed_of(asked, replace(asked, gpu="RTX 3090"), fit(asked))
    html = places.show_mixed(found, origin=ORIGIN).html
    for words in ("RTX 4090 alone", "RTX 3090 alone", "Both in one rig", "4,400"):
        assert words in html
    assert "with_gpu" in places.show_mixed(None, origin=ORIGIN).html


def test_a_place_without_a_known_rate_is_named_rather_than_left_out_in_silence() -> None:
    asked = question(n_paths=500)
    own = Offer(name="Akash", venue=asked.venue, rate_usd_per_hour=0.4, token_price_usd=0.5,
                same_token=True)  # fmt: skip
    frame = side_by_side(asked, fit(asked), [own])
    told = places.show_venues(frame, unpriced=["io.net", "Nosana"], origin=ORIGIN).html
    assert "No rate of this card is known to us at io.net, Nosana" in told
    assert "No rate" not in places.show_venues(frame, origin=ORIGIN).html
