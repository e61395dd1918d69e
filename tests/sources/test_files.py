"""What an import accepts, what it makes of it, and how it refuses the rest."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research import catalogue
from research.errors import RefusedFileError, UsageError
from research.sources.files import Checked, Reading, read_files

CATALOGUE = catalogue.load()
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PRICES: dict[str, Any] = {"measure": "price_usd"}
TIDY = "date,subject,measure,value"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.csv"


def check(*paths: Path, **reading: Any) -> Checked:
    return read_files(paths, Reading(**reading), catalogue=CATALOGUE, now=NOW)


def refusal(*paths: Path, **reading: Any) -> str:
    with pytest.raises(RefusedFileError) as refused:
        check(*paths, **reading)
    assert refused.value.exit_code == 2
    return str(refused.value).replace(f"{paths[0].parent}/", "")


def values(checked: Checked) -> list[tuple[str, str, float]]:
    rows = checked.observations
    return [
        (name, f"{day:%Y-%m-%d}", value)
        for name, day, value in zip(rows["series"], rows["date"], rows["value"], strict=True)
    ]


def test_a_wide_file_has_a_column_for_each_subject(file: Path) -> None:
    file.write_text("Date,AKT,render,rndr,BTC\n2024-01-01,2.5,,4.4,42000\n2024-01-02,,,4.5,43e3\n")
    checked = check(file, **PRICES)
    assert values(checked) == [
        ("akash.price_usd", "2024-01-01", 2.5),
        ("render.price_usd", "2024-01-01", 4.4),
        ("render.price_usd", "2024-01-02", 4.5),
        ("btc.price_usd", "2024-01-01", 42000.0),
        ("btc.price_usd", "2024-01-02", 43000.0),
    ]
    assert set(checked.observations["unit"]) == {"USD"}


def test_empty_cells_are_gaps_that_are_counted_and_not_stored(file: Path) -> None:
    file.write_text("date,AKT,BTC\n2024-01-01,2.5,\n2024-01-02,,\n\n2024-01-03,2.6,9\n")
    checked = check(file, **PRICES)
    assert checked.blanks == {"akash.price_usd": 1, "btc.price_usd": 2}
    assert len(checked.observations) == 3


def test_a_tidy_file_says_all_in_its_rows(file: Path) -> None:
    file.write_text(
        f"{TIDY},unit,kind,source,known_at,period_days\n"
        "2025-01-05,akash,spend_usd,700,usd,on-chain,console,2025-01-07T09:30Z,7\n"
        "2025-01-05,AKT,gpus_active,120,,,,day-end,\n"
    )
    spend, gpus = check(file).observations.to_dict("records")
    assert spend == {
        "series": "akash.spend_usd",
        "date": pd.Timestamp("2025-01-05"),
        "value": 700.0,
        "unit": "USD",
        "kind": "on-chain",
        "source": "console",
        "known_at": pd.Timestamp("2025-01-07 09:30", tz="UTC"),
        "period_days": 7,
    }
    assert (gpus["series"], gpus["kind"], gpus["source"], gpus["period_days"]) == (
        "akash.gpus_active",
        "self-reported",
        "prices",
        1,
    )
    assert gpus["known_at"] == pd.Timestamp("2025-01-06", tz="UTC")


def test_a_file_about_one_subject_is_told_which_column_holds_its_values(file: Path) -> None:
    file.write_text("date,open,high,low,close\n2025-01-01,1,3,1,2\n2025-01-02,2,4,2,3\n")
    closes = check(file, **PRICES, subject="AKT", column="Close")
    assert values(closes) == [
        ("akash.price_usd", "2025-01-01", 2.0),
        ("akash.price_usd", "2025-01-02", 3.0),
    ]
    assert "which column? add --column" in refusal(file, **PRICES, subject="AKT")
    assert "no column 'vwap'" in refusal(file, **PRICES, subject="AKT", column="vwap")
    assert "--subject AKT --column close" in refusal(file, **PRICES)


def test_prices_stamped_at_the_open_are_the_closes_of_the_day_before(file: Path) -> None:
    file.write_text("date,AKT\n2025-01-02,2.5\n2026-11-22,0.5\n")
    assert values(check(file, **PRICES, stamp="open")) == [
        ("akash.price_usd", "2025-01-01", 2.5),
        ("akash.price_usd", "2026-11-21", 0.5),  # the running day's open is known
    ]


def test_what_happens_within_a_day_has_no_opening_value(file: Path) -> None:
    file.write_text("date,AKT\n2025-01-02,2.5\n2025-01-03,2.5\n")
    text = refusal(file, measure="spend_usd", stamp="open")
    assert text.count("spend_usd is a flow") == 1
    assert "--stamp close" in text


@pytest.mark.parametrize(
    ("known_at", "expected"),
    [
        ("", "2026-11-22 12:00"),
        ("day-end", "2025-01-03 00:00"),
        ("2025-01-02", "2025-01-03 00:00"),
        ("2026-11-22", "2026-11-22 12:00"),
        ("2025-02-01T12:30", "2025-02-01 12:30"),
        ("2025-02-01T12:30+02:00", "2025-02-01 10:30"),
    ],
)
def test_when_it_was_known_is_what_the_owner_states(
    file: Path, known_at: str, expected: str
) -> None:
    file.write_text("date,AKT\n2025-01-02,2.5\n")
    known = check(file, **PRICES, known_at=known_at).observations["known_at"]
    assert known.tolist() == [pd.Timestamp(expected, tz="UTC")]


@pytest.mark.parametrize(
    ("known_at", "reason"),
    [("2027-01-01", "in the future"), ("2026-11-22T12:01", "in the future"), ("soon", "neither")],
)
def test_a_time_of_knowledge_that_cannot_be_is_wrong_usage(
    file: Path, known_at: str, reason: str
) -> None:
    file.write_text("date,AKT\n2025-01-02,2.5\n")
    with pytest.raises(UsageError, match=reason):
        check(file, **PRICES, known_at=known_at)


def test_nobody_knows_a_close_before_its_day_is_over(file: Path) -> None:
    file.write_text("date,AKT\n2025-01-02,2.5\n2025-01-03,2.6\n")
    text = refusal(file, **PRICES, known_at="2025-01-02")
    assert "row 3, column 'AKT': 2025-01-02: nobody knew akash.price_usd of 2025-01-03" in text
    assert "row 2" not in text


def test_prices_are_a_vendors_and_the_rest_self_reported_unless_said(file: Path) -> None:
    file.write_text("date,AKT\n2025-01-02,2.5\n")
    assert check(file, **PRICES).observations["kind"].tolist() == ["vendor"]
    assert check(file, measure="spend_usd").observations["kind"].tolist() == ["self-reported"]
    simulated = check(file, **PRICES, kind="simulated", source="a coin").observations
    assert simulated[["kind", "source"]].to_numpy().tolist() == [["simulated", "a coin"]]


def test_a_renamed_token_is_one_series_without_a_jump(file: Path) -> None:
    file.write_text(
        "date,RNDR,RENDER\n2024-07-20,7.0,\n2024-07-21,7.1,\n2024-07-22,,7.2\n2024-07-23,,7.3\n"
    )
    checked = check(file, **PRICES)
    assert [value for _, _, value in values(checked)] == [7.0, 7.1, 7.2, 7.3]
    assert set(checked.observations["series"]) == {"render.price_usd"}
    assert checked.blanks == {"render.price_usd": 0}


def test_a_symbol_is_refused_on_days_when_it_was_no_longer_in_use(file: Path) -> None:
    file.write_text("date,RNDR\n2024-07-21,7.1\n2024-07-22,7.2\n")
    text = refusal(file, **PRICES)
    assert "prices.csv, row 3, column 'RNDR'" in text
    assert "2024-07-21" in text
    assert "row 2" not in text


def test_one_day_from_two_names_of_a_token_is_refused(file: Path) -> None:
    file.write_text("date,RNDR,RENDER\n2024-07-21,7.1,7.1\n")
    assert "a second value of render.price_usd for 2024-07-21" in refusal(file, **PRICES)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("0", "price_usd is above 0"),
        ("-1", "price_usd is above 0"),
        ('"1,234.5"', "thousands separators; write 1234.5"),
        ("1 234", "thousands separators; write 1234"),
        ('"1,5"', "decimal comma"),
        ("NaN", "leave the cell empty"),
        ("n/a", "leave the cell empty"),
        ("-", "leave the cell empty"),
        ("inf", "not a finite number"),
        ("1e999", "not a finite number"),
        ("5%", "write the fraction, 0.05"),
        ("$3", "text where a number belongs"),
        ("abc", "text where a number belongs"),
        ("1_000", "thousands separators; write 1000"),
        ("0x10", "text where a number belongs"),
        ("1e12", "absurd"),
    ],
)
def test_a_price_that_cannot_be_is_refused_with_file_row_and_column(
    file: Path, value: str, reason: str
) -> None:
    file.write_text(f"date,AKT,BTC\n2025-01-01,2.5,9\n2025-01-02,{value},9\n")
    text = refusal(file, **PRICES)
    assert "prices.csv, row 3, column 'AKT': " in text
    assert reason in text
    assert len(text.splitlines()) == 2


def test_a_percent_where_a_fraction_belongs_is_refused(file: Path) -> None:
    file.write_text("date,AKT\n2025-01-01,0.6\n2025-01-02,60\n2025-01-03,1\n2025-01-04,0\n")
    text = refusal(file, measure="utilization")
    assert "row 3, column 'AKT': 60 is out of bounds: a fraction from 0 to 1; 60 % is 0.6" in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("31/12/2024", "may be day first or month first"),
        ("12.31.2024", "may be day first or month first"),
        ("2025-02-30", "there is no such day"),
        ("2025-13-01", "there is no such day"),
        ("20250101", "is not a date"),
        ("1 Jan 2025", "is not a date"),
        ("45678", "is not a date"),
        ("2025-01-01 09:30", "has a time of day"),
        ("2025-01-01T00:00:00+02:00", "has a time of day or a zone"),
        ("", "no date"),
        ("2026-11-22", "is not over"),
        ("2026-11-23", "is not over"),
        ("0025-01-01", "is the year right?"),
    ],
)
def test_a_date_that_cannot_be_is_refused(file: Path, value: str, reason: str) -> None:
    file.write_text(f"date,AKT\n2024-01-01,2.5\n{value},2.5\n")
    text = refusal(file, **PRICES)
    assert "prices.csv, row 3" in text
    assert reason in text


def test_midnights_in_utc_are_days(file: Path) -> None:
    file.write_text(
        "date,AKT\n2025-01-01 00:00:00 UTC,1\n2025-01-02T00:00:00Z,2\n2025-01-03 00:00:00+00:00,3\n"
    )
    assert [day for _, day, _ in values(check(file, **PRICES))] == [
        "2025-01-01",
        "2025-01-02",
        "2025-01-03",
    ]


def test_a_day_given_twice_is_refused_and_both_places_named(file: Path) -> None:
    file.write_text("date,AKT\n2025-01-01,2.5\n2025-01-02,2.6\n2025-01-01,2.5\n")
    text = refusal(file, **PRICES)
    assert "row 4, column 'AKT': a second value of akash.price_usd for 2025-01-01" in text
    assert "row 2, column 'AKT'" in text


def test_vintages_of_a_day_in_one_file_are_no_duplicates(file: Path) -> None:
    file.write_text(
        f"{TIDY},known_at\n2025-01-01,akash,gpus_active,100,2025-02-01\n"
        "2025-01-01,akash,gpus_active,110,2025-03-01\n"
    )
    assert [value for _, _, value in values(check(file))] == [100.0, 110.0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"date,AKT\n", "no rows under the header"),
        (b"date,AKT\n,\n", "no rows under the header"),
        (b"date,AKT\n2025-01-01,\n", "every cell is empty"),
        (b"date\n2025-01-01\n", "no column beside 'date'"),
        (b"day,AKT\n2025-01-01,1\n", "no column 'date'; there are day, AKT"),
        (b"date,AKTT\n2025-01-01,1\n", "unknown subject 'AKTT'; did you mean AKT"),
        (b"date,AKT,akt\n2025-01-01,1,1\n", "2 columns of this name"),
        (b"date,AKT,\n2025-01-01,1,1\n", "without a name"),
        (b"date,AKT\n2025-01-01,1,234\n", "row 2: 3 cells, but the header has 2"),
        (b"date;AKT\n2025-01-01;1\n", "a comma is needed"),
        (b'date,AKT\n2025-01-01,"1\n', "not CSV, line 2"),
        ("date,AKT\n2025-01-01,é\n".encode("latin-1"), "not UTF-8"),
        ("date,AKT\n2025-01-01,1\n".encode("utf-16"), "not UTF-8"),
        (b"\x00\x01\x02", "not a text file"),
        (b"PK\x03\x04...", "an Excel workbook"),
        (b"PAR1...", "ends in .parquet"),
        (b"date,rtx-4090\n2025-01-01,1\n", "rtx-4090 is a gpu"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(
    file: Path, content: bytes, reason: str
) -> None:
    file.write_bytes(content)
    assert reason in refusal(file, **PRICES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("date,subject,value,mood\n2025-01-01,akash,1,x\n", "column 'mood': unknown"),
        ("date,subject,value\n2025-01-01,akash,1\n", "column 'measure': missing"),
        (f"{TIDY}\n2025-01-01,acash,price_usd,1\n", "column 'subject': unknown subject 'acash'"),
        (f"{TIDY}\n2025-01-01,akash,price,1\n", "did you mean price_usd?"),
        (f"{TIDY}\n2025-01-01,akash,rate_usd_per_hour,1\n", "akash is a network"),
        (f"{TIDY},unit\n2025-01-01,akash,price_usd,1,EUR\n", "counted in USD, not 'EUR'"),
        (f"{TIDY},kind\n2025-01-01,akash,price_usd,1,rumour\n", "unknown kind 'rumour'"),
        (f"{TIDY},period_days\n2025-01-01,akash,spend_usd,1,0\n", "number of days from 1"),
        (f"{TIDY},known_at\n2025-01-01,akash,spend_usd,1,later\n", "column 'known_at': 'later'"),
        (f"{TIDY},known_at\n2025-01-05,akash,spend_usd,1,2025-01-04\n", "nobody knew"),
    ],
)
def test_a_tidy_row_that_cannot_be_is_refused(file: Path, content: str, reason: str) -> None:
    file.write_text(content)
    assert reason in refusal(file)


def test_a_tidy_file_needs_no_measure_and_a_wide_one_does(file: Path) -> None:
    file.write_text(f"{TIDY}\n2025-01-01,akash,price_usd,1\n")
    assert "leave out --measure" in refusal(file, **PRICES)
    file.write_text("date,AKT\n2025-01-01,1\n")
    assert "add --measure" in refusal(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.csv", **PRICES)
    (tmp_path / "folder.csv").mkdir()
    assert "a folder" in refusal(tmp_path / "folder.csv", **PRICES)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"measure": "price"}, "did you mean price_usd?"),
        ({"measure": "price_usd", "subject": "zzz"}, "unknown subject 'zzz'"),
        ({"measure": "price_usd", "column": "close"}, "add --subject"),
        ({"measure": "price_usd", "kind": "simulate"}, "did you mean simulated?"),
    ],
)
def test_options_that_cannot_be_are_wrong_usage(
    file: Path, options: dict[str, Any], reason: str
) -> None:
    file.write_text("date,AKT\n2025-01-01,1\n")
    with pytest.raises(UsageError, match=reason.replace("?", r"\?")):
        check(file, **options)


def test_ten_problems_are_listed_in_order_and_the_others_counted(file: Path) -> None:
    days = pd.date_range("2025-01-01", periods=30)
    file.write_text("date,AKT\n" + "".join(f"{day:%Y-%m-%d},0\n" for day in days))
    lines = refusal(file, **PRICES).splitlines()
    assert [line.partition(", column")[0].strip() for line in lines[1:11]] == [
        f"prices.csv, row {row}" for row in range(2, 12)
    ]
    assert lines[11].strip() == "and 20 more"


def test_one_wrong_file_keeps_out_all(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.csv", tmp_path / "wrong.csv"
    right.write_text("date,AKT\n2025-01-01,1\n")
    wrong.write_text("date,BTC\n2025-01-01,zero\n")
    assert "wrong.csv, row 2, column 'BTC'" in refusal(right, wrong, **PRICES)


def test_two_files_of_one_source_must_not_speak_of_the_same_day(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_text("date,AKT\n2025-01-01,1\n")
    assert len(check(*paths, **PRICES).observations) == 2  # each is a source of its own
    assert "b.csv, row 2" in refusal(*paths, **PRICES, source="exchange")


def test_a_spreadsheets_mark_and_line_ends_are_no_hindrance(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfdate,AKT\r\n2025-01-01,2.5\r\n")
    assert values(check(file, **PRICES)) == [("akash.price_usd", "2025-01-01", 2.5)]


def test_a_network_without_public_data_can_be_imported(file: Path) -> None:
    file.write_text("date,KZM\n2025-01-01,2.5\n")
    assert values(check(file, **PRICES)) == [("kazam.price_usd", "2025-01-01", 2.5)]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    days = pd.date_range("2025-01-01", periods=3, name="date", tz="UTC")
    frame = pd.DataFrame({"AKT": [0.1 + 0.2, np.nan, 2.5], "BTC": [1, 2, 3]}, index=days)
    frame.to_parquet(tmp_path / "prices.parquet")
    frame.tz_localize(None).to_csv(tmp_path / "prices.csv")
    in_parquet = check(tmp_path / "prices.parquet", **PRICES)
    in_csv = check(tmp_path / "prices.csv", **PRICES)
    pd.testing.assert_frame_equal(in_parquet.observations, in_csv.observations)
    assert in_parquet.blanks == in_csv.blanks == {"akash.price_usd": 1, "btc.price_usd": 0}
    assert values(in_parquet)[0] == ("akash.price_usd", "2025-01-01", 0.1 + 0.2)


def test_parquet_is_refused_as_csv_is(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    path.write_bytes(b"not Parquet")
    assert "not a Parquet file" in refusal(path, **PRICES)
    pd.DataFrame({"date": ["2025-01-01"], "AKT": ["1,000"]}).to_parquet(path)
    assert "row 2, column 'AKT': '1,000' has thousands separators" in refusal(path, **PRICES)


@given(
    numbers=st.lists(
        st.floats(min_value=1e-12, max_value=1e8, allow_subnormal=False), min_size=1, max_size=20
    )
)
@settings(max_examples=10, deadline=None)
def test_every_digit_of_a_number_survives(
    numbers: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("digits") / "prices.csv"
    days = pd.date_range("2025-01-01", periods=len(numbers))
    pd.DataFrame({"date": days, "AKT": numbers}).to_csv(path, index=False)
    assert [value for _, _, value in values(check(path, **PRICES))] == numbers
