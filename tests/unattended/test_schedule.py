"""A schedule is refused with file, entry and field, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from research.errors import UsageError
from research.unattended.schedule import Schedule, read

Write = Callable[..., Path]
PARAMETERS = (
    "from research.parameters import Count, Fraction, GpuId, Instant, NetworkId, StoreLocation\n\n"
    'network: NetworkId = "akash"  # whose\n'
    'gpu: GpuId = "rtx-4090"  # the card\n'
    "share: Fraction = 0.5  # of it\n"
    "owned: bool = False  # already\n"
    "count: Count = 1  # cards\n"
    "as_of: Instant | None = None  # what was known by then\n"
    'store: StoreLocation = "sample"  # where\n'
)
ENTRY = """
[[report]]
name = "weekly"
notebook = "question.ipynb"
cron = "0 6 * * 1"
"""


@pytest.fixture
def written(write: Write, tmp_path: Path) -> Callable[[str], Schedule]:
    write(tmp_path / "question.ipynb", "# T", PARAMETERS)
    write(tmp_path / "timeless.ipynb", "# T")

    def schedule(text: str) -> Schedule:
        path = tmp_path / "schedule.toml"
        path.write_text(text)
        return read(path)

    return schedule


Written = Callable[[str], Schedule]


def test_the_committed_schedule_is_one_that_can_run() -> None:
    schedule = read(Path(__file__).parents[2] / "reports" / "schedule.toml")
    names = [report.name for report in schedule.reports]
    assert "token-or-hardware/render/h100-pcie/36" in names
    assert len(names) == 11


def test_a_grid_is_a_report_each_combination(written: Written) -> None:
    schedule = written(
        ENTRY
        + 'grid = { network = ["akash", "render"], count = [1, 2] }\n'
        + "parameters = { share = 0.25, owned = true }\n"
    )
    assert [report.name for report in schedule.reports] == [
        *("weekly/akash/1", "weekly/akash/2", "weekly/render/1", "weekly/render/2")
    ]
    assert schedule.reports[-1].parameters == {
        "share": "0.25",
        "owned": "true",
        "network": "render",
        "count": "2",
    }
    assert len({report.file for report in schedule.reports}) == 4


def test_what_is_not_said_is_as_usual(written: Written) -> None:
    [report] = written(ENTRY).reports
    entry = report.entry
    assert (entry.timezone, entry.catch_up, entry.strict) == ("UTC", "latest", False)
    assert (entry.keep, entry.alerts, entry.time_limit_minutes) == (None, None, 60)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("crone = 1", "report 'weekly', crone: no such field; accepted are name, notebook, cron,"),
        ('timezone = "Berlin"', "report 'weekly', timezone: no such time zone"),
        ('catch_up = "all"', "report 'weekly', catch_up: Input should be 'latest' or 'each'"),
        ("strict = 1", "report 'weekly', strict: Input should be a valid boolean"),
        ("keep = -1", "report 'weekly', keep.latest: Input should be greater than or equal to 0"),
        ("keep = true", "report 'weekly', keep: accepted is a whole number, such as 30, or a"),
        ('keep = "30"', "report 'weekly', keep: accepted is a whole number, such as 30, or a"),
        ("keep = { latest = true }", "report 'weekly', keep.latest: Input should be a valid int"),
        ("time_limit_minutes = 0", "report 'weekly', time_limit_minutes: Input should be greater"),
        ("time_limit_minutes = inf", "report 'weekly', time_limit_minutes: Input should be less"),
        ("alerts = { tell = [] }", "report 'weekly', alerts.tell: Tuple should have at least 1"),
        ("alerts = { tell = ['night__desk'] }", "report 'weekly', alerts.tell.0: String should ma"),
        ("alerts = { tel = ['desk'] }", "alerts.tel: no such field; accepted are tell, on, thr"),
        (
            "alerts = { tell = ['a'], thresholds = [{ figur = 'b' }] }",
            "alerts.thresholds.0.figur: no such field; accepted are figure, above, below",
        ),
        ("keep = { weakly = 3 }", "keep.weakly: no such field; accepted are latest, weekly, month"),
        ("parameters = { gpu = 2026-01-01T00:00:00 }", "parameters.gpu: accepted is one text, num"),
        ("overdue_minutes = 1e300", "overdue_minutes: Input should be less than or equal to 5256"),
        ("cell_time_limit_minutes = 1e300", "cell_time_limit_minutes: Input should be less than"),
        ("grid = { network = [] }", "report 'weekly', grid.network: List should have at least 1"),
        ("parameters = { netwrk = 'akash' }", "report 'weekly', question: no parameter netwrk"),
        ("grid = { network = ['akash', 'mars'] }", "report 'weekly', question: network=mars: acc"),
        ("parameters = { share = 60 }", "share=60: accepted is a fraction between 0 and 1; 0.6"),
        ("parameters = { store = 'sample' }", "parameters: store is given by the run"),
        ("grid = { count = [1, 1] }", "grid: weekly/1 stands there twice"),
        ("grid = { count = [1] }\nparameters = { count = 1 }", "grid: count stands in parameters"),
        (ENTRY, "two entries are called 'weekly'"),
        (ENTRY.replace("weekly", "other"), "other and weekly would write the same page"),
        (ENTRY.replace("weekly", "Weekly one"), "report 'Weekly one', name: String should match"),
        (ENTRY.replace("question", "nothing"), "nothing.ipynb: no such notebook"),
        (ENTRY.replace("0 6", "61 6"), "report 'weekly', cron: Bad minute"),
        ("[desk]", "schedule.toml, desk: no such field; accepted are report"),
        ("name = 'again'", "schedule.toml: Cannot overwrite a value (at line"),
    ],
)
def test_what_is_wrong_is_named(written: Written, more: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        written(f"{ENTRY}{more}\n")
    assert told in str(error.value)
    assert "schedule.toml" in str(error.value)


def test_all_that_is_wrong_is_named_at_once(written: Written) -> None:
    with pytest.raises(UsageError) as error:
        written(ENTRY + "keep = -1\nspeed = 9\n" + ENTRY.replace("weekly", "daily") + "strict = 1")
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize("name", ["", 'name = "somebody\'s"\n'])
def test_a_mistyped_field_is_answered_with_those_of_its_entry(written: Written, name: str) -> None:
    with pytest.raises(UsageError, match="nam: no such field; accepted are name, notebook, cron"):
        written(ENTRY.replace('name = "weekly"\n', f'{name}nam = "x"\n'))


@pytest.mark.parametrize(
    "more",
    ["parameters = { count = [1, 2] }", "grid = { count = [[1]] }", "alerts = { tell = ['No!'] }"],
)
def test_what_is_wrong_is_said_once(written: Written, more: str) -> None:
    with pytest.raises(UsageError) as error:
        written(f"{ENTRY}{more}\n")
    assert len(str(error.value).splitlines()) == 1


def test_each_period_as_of_then_needs_a_notebook_that_can_do_so(written: Written) -> None:
    with pytest.raises(UsageError, match="timeless has no parameter as_of"):
        written(ENTRY.replace("question", "timeless") + 'catch_up = "each"\n')


@pytest.mark.parametrize("text", ["", "report = []", "[report]\nname = 'a'"])
def test_a_schedule_without_reports_is_refused(written: Written, text: str) -> None:
    with pytest.raises(UsageError, match="report"):
        written(text)


def test_a_schedule_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: cannot be read \(No such file"):
        read(tmp_path / "none.toml")


def test_a_store_is_given_only_to_a_notebook_that_reads_one(
    written: Written, tmp_path: Path
) -> None:
    written(ENTRY + ENTRY.replace("weekly", "other").replace("question", "timeless"))
    reports = read(tmp_path / "schedule.toml", store=str(tmp_path / "mine")).reports
    assert [report.store for report in reports] == [str(tmp_path / "mine"), None]
