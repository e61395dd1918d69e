"""A period is planned once, whatever is done to the clocks, and due until it is done."""

from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.unattended.periods import KEPT, Plan, due, settle

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
ZONES = [
    *(BERLIN, NEW_YORK, "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana"),
    *("Africa/Cairo", "America/Sao_Paulo", "Pacific/Apia", "Europe/Dublin", "Africa/Casablanca"),
]
zones = st.sampled_from(ZONES)
instants = st.integers(800_000_000, 2_080_000_000).map(  # 1995 to 2035
    lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
)
crons = st.one_of(
    st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
    st.builds("{} * * * *".format, st.integers(0, 59)),
    st.sampled_from(
        [
            *("0,30 1,2,3 * * *", "0 */2 * * *", "*/20 * * * *", "* 2 * * *", "0 6 * * 1"),
            *("30 0 1 * *", "0 0 29 2 *", "15 0-23 * * 5", "0 0 * * *", "30 2 * * SUN"),
        ]
    ),
)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def planned(cron: str, zone: str, start: str, count: int) -> list[str]:
    periods = islice(Plan(cron, zone).after(utc(start)), count)
    return [f"{period:%m-%d %H:%M}" for period in periods]


def test_a_time_that_clocks_leap_over_is_done_once_right_after_the_change() -> None:
    assert planned("30 2 * * *", BERLIN, "2026-03-28", 3) == [
        *("03-28 01:30", "03-29 01:00", "03-30 00:30")
    ]
    assert planned("30 2 * * *", NEW_YORK, "2026-03-07", 3) == [
        *("03-07 07:30", "03-08 07:00", "03-09 06:30")
    ]


def test_a_time_that_exists_twice_is_done_at_the_first() -> None:
    assert planned("30 2 * * *", BERLIN, "2026-10-24", 3) == [
        *("10-24 00:30", "10-25 00:30", "10-26 01:30")
    ]
    assert planned("30 1 * * *", NEW_YORK, "2026-10-31", 3) == [
        *("10-31 05:30", "11-01 05:30", "11-02 06:30")
    ]


def test_two_times_that_clocks_leap_over_are_one_period() -> None:
    assert planned("0,30 2,3 * * *", BERLIN, "2026-03-29", 2) == ["03-29 01:00", "03-29 01:30"]


def test_what_goes_by_the_hour_goes_on_in_real_hours_whatever_the_clocks_show() -> None:
    for change in ("2026-03-28T22:00", "2026-10-24T22:00"):
        hours = [*islice(Plan("15 * * * *", BERLIN).after(utc(change)), 8)]
        assert {later - hour for hour, later in pairwise(hours)} == {dt.timedelta(hours=1)}


def test_midnight_that_clocks_leap_over_is_not_lost() -> None:
    [leap] = Plan("0 0 * * *", "Africa/Cairo").between(utc("2026-04-23T20"), utc("2026-04-24T12"))
    assert leap == utc("2026-04-23T22:00")  # 00:00 there is 01:00 at once


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("0 6 * *", "five fields"),
        ("0 0 6 * * 1", "five fields"),
        ("@daily", "five fields"),
        ("61 6 * * *", "Bad minute"),
        ("0 6 * * MOO", "Bad day-of-week"),
        ("0 0 30 2 *", "Bad day-of-month"),
    ],
)
def test_an_expression_that_plans_nothing_is_refused(cron: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Plan(cron, "UTC")


@given(cron=crons, zone=zones, start=instants)
@settings(max_examples=150, deadline=None)
def test_periods_are_instants_that_only_rise(cron: str, zone: str, start: dt.datetime) -> None:
    periods = [start, *islice(Plan(cron, zone).after(start), 30)]
    assert all(earlier < later for earlier, later in pairwise(periods))
    assert all(period.tzinfo is dt.UTC for period in periods)


@given(minute=st.integers(0, 59), hour=st.integers(0, 23), zone=zones, start=instants)
@settings(max_examples=100, deadline=None)
def test_a_daily_report_is_planned_once_on_each_local_day(
    minute: int, hour: int, zone: str, start: dt.datetime
) -> None:
    if zone == "Pacific/Apia" and start.year == 2011:
        return  # there was no 30 December there
    periods = islice(Plan(f"{minute} {hour} * * *", zone).after(start), 400)
    days = [period.astimezone(ZoneInfo(zone)).date() for period in periods]
    assert all(later - day == dt.timedelta(days=1) for day, later in pairwise(days))


@given(cron=crons, zone=zones, start=instants, after=st.timedeltas(dt.timedelta(), dt.timedelta(9)))
@settings(max_examples=150, deadline=None)
def test_where_one_starts_to_count_changes_nothing(
    cron: str, zone: str, start: dt.datetime, after: dt.timedelta
) -> None:
    plan, middle, end = Plan(cron, zone), start + after, start + dt.timedelta(days=10)
    whole = [*plan.between(start, end)]
    assert [*plan.between(start, middle), *plan.between(middle, end)] == whole
    assert plan.latest(end) == (whole[-1] if whole else plan.latest(start))
    assert plan.following(end) == next(plan.after(end))


DAILY = Plan("0 6 * * *", "UTC")


def days(*numbers: int) -> list[dt.datetime]:
    return [dt.datetime(2026, 6, number, 6, tzinfo=dt.UTC) for number in numbers]


def test_a_report_that_never_was_is_due_once_for_the_latest_period() -> None:
    for catch_up in ("latest", "each"):
        found = due(DAILY, settled=None, done=[], now=utc("2026-06-10T05"), catch_up=catch_up)
        assert found == days(9)


def test_missed_periods_are_one_or_each() -> None:
    [second], now = days(2), utc("2026-06-05T07")
    assert due(DAILY, settled=second, done=[second], now=now, catch_up="latest") == days(5)
    assert due(DAILY, settled=second, done=[second], now=now, catch_up="each") == days(3, 4, 5)


def test_one_of_several_that_failed_stays_owed() -> None:
    now, [settled] = utc("2026-06-05T07"), days(2)
    done = days(2)
    for period in days(3, 5):
        settled, done = settle(DAILY, period, settled=settled, done=done, now=now, catch_up="each")
    assert [settled] == days(3)
    assert due(DAILY, settled=settled, done=done, now=now, catch_up="each") == days(4)
    [fourth] = days(4)
    settled, _ = settle(DAILY, fourth, settled=settled, done=done, now=now, catch_up="each")
    assert [settled] == days(5)


@pytest.mark.parametrize("catch_up", ["latest", "each"])
def test_a_clock_put_back_makes_nothing_due_that_is_done(catch_up: str) -> None:
    done = days(*range(1, 11))
    for hour in range(24 * 12):
        now = utc("2026-06-01T00") + dt.timedelta(hours=hour)
        found = due(DAILY, settled=done[-1], done=done, now=now, catch_up=catch_up)  # type: ignore[arg-type]
        assert set(found) <= set(days(11, 12))


def test_a_clock_put_back_before_all_that_is_remembered_makes_nothing_due() -> None:
    done = days(9, 10)
    now = utc("1970-01-02T00")
    assert due(DAILY, settled=done[-1], done=done, now=now, catch_up="latest") == []


def test_a_clock_that_was_ahead_loses_no_period_once_it_is_right() -> None:
    [first], ahead, now = days(1), utc("2099-01-01T06"), utc("2026-06-03T07")
    settled, done = settle(
        DAILY, ahead, settled=first, done=[first], now=utc("2099-01-01T07"), catch_up="latest"
    )
    assert due(DAILY, settled=settled, done=done, now=now, catch_up="latest") == days(3)
    [third] = days(3)
    settled, done = settle(DAILY, third, settled=settled, done=done, now=now, catch_up="latest")
    assert due(DAILY, settled=settled, done=done, now=now, catch_up="latest") == []
    later = utc("2026-06-04T07")
    assert due(DAILY, settled=settled, done=done, now=later, catch_up="latest") == days(4)


def test_what_is_remembered_does_not_grow() -> None:
    settled, done = None, list[dt.datetime]()
    for period in islice(DAILY.after(utc("2026-01-01")), 3 * KEPT):
        settled, done = settle(
            DAILY, period, settled=settled, done=done, now=period, catch_up="each"
        )
    assert len(done) == KEPT
