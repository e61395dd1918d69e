"""What is worth telling is told once, and nothing is told without cause."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from research.unattended import alerts
from research.unattended.alerts import Good, Seen
from research.unattended.jobs import Outcome, State
from research.unattended.rules import Rules
from tests.unattended.alarms import CHANCE, NAME, NOW, PLANNED, came, good

USUAL = {"tell": ["desk"]}
OVER = {"figure": CHANCE, "above": 60}
MOVED = {"figure": CHANCE, "by": 5}
Step = tuple[Outcome, Good | None]


def rules(**chosen: Any) -> Rules:
    return Rules.model_validate(USUAL | chosen)


def kinds(steps: list[Step], of: Rules) -> list[list[str]]:
    """Return what is told after each run, one after the other."""
    seen = Seen()
    told: list[list[str]] = []
    for outcome, report in steps:
        decision = alerts.due(outcome, report, seen, of, NOW)
        seen = Seen.model_validate_json(decision.seen.model_dump_json())  # as it is kept
        told.append([alert.kind for alert in decision.alerts])
    return told


def done(*args: Any, **kwargs: Any) -> Step:
    return came(), good(*args, **kwargs)


def test_a_report_that_is_as_ever_is_not_worth_a_word() -> None:
    assert kinds([done(), done(), done(percent=52)], rules()) == [[], [], []]


@pytest.mark.parametrize("state", ["failed", "gate", "timed out"])
def test_a_failure_is_told_once_and_so_is_the_recovery(state: State) -> None:
    failed: Step = came(state), None
    told = kinds([done(), failed, failed, done(), done(), failed], rules())
    assert told == [[], ["failure"], [], ["recovery"], [], ["failure"]]


def test_a_failure_says_when_it_was_planned_and_why_it_failed() -> None:
    failed = replace(came("failed", reason="cell 3: no data"), attempts=2)

    alert, *more = alerts.due(failed, None, Seen(), rules(), NOW).alerts

    assert (alert.title, more) == ("Failed: weekly/akash", [])
    assert alert.text == (
        "It could not be made. It was planned for 2026-11-25 06:00 UTC. It was tried 2 times. An "
        "earlier report, if there is one, was left in place.\n\ncell 3: no data"
    )


def test_a_reason_of_many_pages_is_cut() -> None:
    failed = came("failed", reason="x" * 10_000)
    assert len(alerts.due(failed, None, Seen(), rules(), NOW).alerts[0].text) < 1_000


def test_a_verdict_that_flipped_is_told_once_in_the_words_of_the_page() -> None:
    flipped = came(flips=("The verdict is hold, and was rent.",))
    seen = alerts.due(*done(), Seen(), rules(), NOW).seen

    decision = alerts.due(flipped, good("hold"), seen, rules(), NOW)

    (alert,) = decision.alerts
    assert alert.kind == "flip"
    assert alert.text == "The verdict is hold, and was rent.\n\nPage: akash.html"
    assert alerts.due(flipped, good("hold"), decision.seen, rules(), NOW).alerts == ()


def test_a_flip_that_a_killed_run_did_not_tell_is_told_by_the_next() -> None:
    told = kinds([done("rent"), done("hold"), done("hold")], rules())
    assert told == [[], ["flip"], []]


def test_a_flip_before_anything_was_seen_is_told() -> None:
    assert kinds([(came(flips=("It flipped.",)), good("hold")), done("hold")], rules()) == [
        ["flip"],
        [],
    ]


def test_a_figure_over_its_threshold_is_told_at_each_crossing() -> None:
    of = rules(thresholds=[OVER])
    told = kinds([done(percent=each) for each in (59, 60, 61, 70, 58, 62)], of)
    assert told == [[], [], ["threshold"], [], [], ["threshold"]]


def test_a_figure_below_its_threshold_says_its_value_and_the_threshold() -> None:
    of = rules(thresholds=[{"figure": CHANCE, "below": 40}, OVER])
    (alert,) = alerts.due(*done(percent=33), Seen(), of, NOW).alerts
    assert alert.text == "Renting beats T-bills: 33 %, below 40.\n\nPage: akash.html"


def test_a_figure_that_the_answer_lacks_is_remarked_and_changes_nothing() -> None:
    of = rules(thresholds=[{"figure": "Rent beats bills", "above": 1}])
    decision = alerts.due(*done(), Seen(), of, NOW)
    assert decision.alerts == ()
    assert decision.remarks == (
        "weekly/akash: its answer has no figure 'Rent beats bills' for its alerts; it has "
        "Renting beats T-bills",
    )


def test_a_threshold_stays_passed_while_its_figure_is_not_told() -> None:
    silent: Step = came(), Good(page="akash.html", headline=None, data_to=None)
    of = rules(thresholds=[OVER])
    assert kinds([done(percent=61), silent, done(percent=61)], of) == [["threshold"], [], []]


def test_only_if_moved_holds_back_until_the_figure_has_moved_since_it_was_last_told() -> None:
    of = rules(thresholds=[OVER], only_if_moved=[MOVED])
    told = kinds([done(percent=each) for each in (59, 61, 63.9, 64, 59, 61, 59)], of)
    assert told == [[], [], [], ["threshold"], [], [], []]


def test_a_drift_by_small_steps_opens_the_gate_when_it_adds_up() -> None:
    of = rules(on=["report"], only_if_moved=[MOVED])
    told = kinds([done(percent=each) for each in (50, 52, 54, 55, 57, 50)], of)
    assert told == [["report"], [], [], ["report"], [], ["report"]]


def test_only_if_new_holds_back_what_rests_on_the_days_that_were_told() -> None:
    of = rules(on=["report"], only_if_new=True)
    told = kinds([done(day=each) for each in (20, 20, 19, 21, 21)], of)
    assert told == [["report"], [], [], ["report"], []]


def test_a_flip_that_was_held_back_is_told_later_if_it_is_still_so() -> None:
    of = rules(only_if_new=True)
    stays = [done(day=20), done("hold", day=20), done("hold", day=21), done("hold", day=22)]
    turns = [done(day=20), done("hold", day=20), done("rent", day=21)]
    assert kinds(stays, of) == [[], [], ["flip"], []]
    assert kinds(turns, of) == [[], [], []]


def test_no_gate_holds_back_a_failure_or_a_recovery() -> None:
    of = rules(only_if_new=True, only_if_moved=[MOVED])
    assert kinds([done(), (came("failed"), None), done()], of) == [[], ["failure"], ["recovery"]]


def test_what_is_not_asked_for_is_not_told() -> None:
    of = rules(on=["flip"], thresholds=[OVER])
    steps: list[Step] = [(came("failed"), None), done(percent=70), done("hold", 70)]
    assert kinds(steps, of) == [[], [], ["flip"]]


def test_an_overdue_report_is_told_once_until_it_is_made() -> None:
    first = alerts.overdue(NAME, PLANNED, Seen(), rules(), NOW)
    again = alerts.overdue(NAME, PLANNED, first.seen, rules(), NOW + dt.timedelta(days=1))
    made = alerts.due(*done(), again.seen, rules(), NOW)

    assert [alert.text for alert in first.alerts] == [
        "It was planned for 2026-11-25 06:00 UTC and has not been made since."
    ]
    assert again.alerts == ()
    assert [alert.kind for alert in made.alerts] == ["recovery"]
    assert alerts.overdue(NAME, PLANNED, made.seen, rules(), NOW).alerts != ()


def test_a_report_whose_failure_was_told_is_not_told_to_be_overdue() -> None:
    failed = alerts.due(came("failed"), None, Seen(), rules(), NOW).seen
    assert alerts.overdue(NAME, PLANNED, failed, rules(), NOW).alerts == ()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"tell": []}, "at least 1 item"),
        ({"tell": ["mailto://me:pass@host"]}, "should match pattern"),
        ({"on": ["boom"]}, "'failure', 'recovery'"),
        ({"onn": ["flip"]}, "Extra inputs"),
        ({"thresholds": [{"figure": "a"}]}, "above or below"),
        ({"thresholds": [{"figure": "a", "above": 1, "below": 0}]}, "above or below"),
        ({"only_if_moved": [{"figure": "a", "by": 0}]}, "greater than 0"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        rules(**wrong)


def test_the_rules_that_the_readme_shows_are_accepted() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n\[report\.alerts\]\n(.*?)^```", readme, re.M | re.S)
    assert Rules.model_validate(tomllib.loads(shown)) == rules(
        tell=["desk", "chat"], thresholds=[OVER], only_if_new=True, only_if_moved=[MOVED]
    )


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from(["rent", "hold"]), st.sampled_from([50, 58, 62]), st.integers(1, 3)
            ),
            st.just(None),
        ),
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
)
def test_whatever_comes_the_same_run_told_again_tells_nothing_more(
    course: list[tuple[str, int, int] | None], only_if_new: bool, is_gated: bool
) -> None:
    of = rules(
        thresholds=[OVER], only_if_new=only_if_new, only_if_moved=[MOVED] if is_gated else []
    )
    seen = Seen()
    for each in course:
        step: Step = (came("failed"), None) if each is None else done(*each)
        seen = alerts.due(*step, seen, of, NOW).seen
        again = alerts.due(*step, seen, of, NOW)
        assert again.alerts == ()
        assert again.seen == seen
