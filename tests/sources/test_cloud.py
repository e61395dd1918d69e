"""gpuhunt's catalogues: whole instances and regions, to USD for one GPU and hour."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from research.errors import EmptyError, SchemaChangedError, SourceError, UnavailableError
from research.sources import Wanted
from research.sources.cloud import Cloud, cards_of, parse_items, parse_version, unpack
from tests.sources.conftest import MakeWeb
from tests.sources.mutations import JSON
from tests.sources.rates import check_each

NOW = dt.datetime(2026, 8, 20, 9, 30, tzinfo=dt.UTC)
MADE = dt.datetime(2026, 8, 18, tzinfo=dt.UTC)
HEADER = (
    "instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,"
    "gpu_vendor,flags,cpu_arch,provider_data"
)
# invented prices in the documented columns
A10G = "g5.xlarge,us-east-1,1.0,4,16.0,1,A10G,24.0,False,,nvidia,,x86,{}"
A100 = "p4d.24xlarge,us-east-1,22.0,96,1152.0,8,A100,40.0,False,,nvidia,,x86,{}"
A100_EU = "p4d.24xlarge,eu-west-1,26.0,96,1152.0,8,A100,40.0,False,,nvidia,,x86,{}"
A100_80 = "p4de.24xlarge,us-east-1,32.0,96,1152.0,8,A100,80.0,False,,nvidia,,x86,{}"
SPOT = "p4d.24xlarge,us-east-1,8.0,96,1152.0,8,A100,40.0,True,,nvidia,,x86,{}"
NO_CARD = "m5.large,us-east-1,0.1,2,8.0,0,,,False,,,,x86,{}"
OLD = "p3.2xlarge,us-east-1,3.0,8,61.0,1,V100,16.0,False,,,,,"  # from before there was a vendor


def zipped(*rows: str, provider: str = "aws", header: str = HEADER) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{provider}.csv", "\n".join([header, *rows]) + "\n")
    return buffer.getvalue()


def wanted(key: str, measure: str = "rate_aws_usd_per_hour") -> Wanted:
    return Wanted(series=f"a100-sxm-80.{measure}", key=key, since=None)


def parse(content: Any, key: str = "A100:40") -> pd.DataFrame:
    return parse_items(unpack(content, provider="aws"), wanted=wanted(key), made=MADE)


PARSERS: list[tuple[str, Callable[[Any], pd.DataFrame]]] = [
    ("gpuhunt catalogue", parse),
    ("gpuhunt csv", lambda text: parse(zipped(str(text)))),
    ("gpuhunt csv without a header", lambda text: parse(zipped(header=str(text)))),
]


def values(frame: pd.DataFrame) -> dict[str, float]:
    return {
        str(series).partition(".")[2]: float(value)
        for series, value in zip(frame["series"], frame["value"], strict=True)
    }


def test_the_price_of_an_instance_is_divided_by_its_eight_cards() -> None:
    frame = parse(zipped(A10G, A100, NO_CARD))
    assert values(frame)["rate_aws_usd_per_hour"] == pytest.approx(2.75)
    assert set(frame["date"]) == {pd.Timestamp("2026-08-17")}  # seen within the 18th


def test_regions_and_instances_give_median_quartiles_minimum_and_count() -> None:
    dear = A100_EU.replace("26.0", "44.0")
    found = values(parse(zipped(A100, A100_EU, dear)))
    assert found == pytest.approx(
        {
            "rate_aws_usd_per_hour": 3.25,
            "rate_aws_q25_usd_per_hour": 3.0,
            "rate_aws_q75_usd_per_hour": 4.375,
            "rate_aws_min_usd_per_hour": 2.75,
            "offers_aws_count": 3,
        }
    )


def test_spot_instances_are_another_market() -> None:
    assert values(parse(zipped(A100, SPOT)))["offers_aws_count"] == 1
    with pytest.raises(SchemaChangedError, match="1 rows that can be read, none with a card"):
        parse(zipped(SPOT))


def test_days_that_were_booked_ahead_are_not_on_demand() -> None:
    booked = A100.replace("nvidia,,", "nvidia,gcp-dws-calendar-mode,").replace("22.0", "8.0")
    assert values(parse(zipped(A100, booked)))["offers_aws_count"] == 1


@pytest.mark.parametrize(("key", "rate"), [("A100:40", 2.75), ("A100:80", 4.0), ("a100:80", 4.0)])
def test_memory_tells_cards_of_one_name_apart(key: str, rate: float) -> None:
    assert values(parse(zipped(A100, A100_80), key))["rate_aws_usd_per_hour"] == rate


def test_a_card_that_tells_less_memory_than_it_has_is_found() -> None:
    l40s = "g6e.xlarge,us-east-1,1.9,4,32.0,1,L40S,44.7,False,,nvidia,,x86,{}"
    assert values(parse(zipped(l40s), "L40S:48"))["rate_aws_usd_per_hour"] == 1.9


def test_without_memory_in_the_key_all_cards_of_the_name_count() -> None:
    assert values(parse(zipped(A100, A100_80), "A100"))["offers_aws_count"] == 2


def test_a_catalogue_from_before_there_was_a_vendor_is_of_nvidia() -> None:
    assert values(parse(zipped(OLD), "V100"))["rate_aws_usd_per_hour"] == 3.0


def test_a_row_without_a_price_or_with_an_impossible_one_is_left_out() -> None:
    broken = [A100.replace("22.0", price) for price in ("", "cheap", "nan", "inf", "-1", "0")]
    crowded = A100.replace(",8,A100", "," + "9" * 400 + ",A100")
    assert values(parse(zipped(A100, *broken, crowded)))["offers_aws_count"] == 1


def test_a_catalogue_of_which_most_rows_cannot_be_read_is_a_changed_schema() -> None:
    with pytest.raises(SchemaChangedError, match="of 3 rows only 1 can be read"):
        parse(zipped(A100, *[A100.replace("22.0", "USD 22")] * 2))


def test_a_card_that_a_cloud_does_not_have_is_nothing_and_no_zero() -> None:
    with pytest.raises(EmptyError, match="no such card on demand"):
        parse(zipped(A100), "RTX4090")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        zipped(A100)[:-30],
        zipped(A100, provider="azure"),
        zipped(A100, header=HEADER.replace("price", "usd")),
        zipped(),
        None,
        "text",
    ],
)
def test_what_is_no_catalogue_is_a_changed_schema(content: Any) -> None:
    with pytest.raises(SchemaChangedError):
        parse(content)


def test_a_version_is_a_day_and_a_serial_number() -> None:
    assert parse_version("20260818-42", provider="aws", now=NOW) == MADE
    for wrong in ("", "latest", "20260818", "20261318-1", "20260821-1", "2026/0818-1", None):
        with pytest.raises(SchemaChangedError):
            parse_version(wrong, provider="aws", now=NOW)


@pytest.mark.parametrize(
    ("key", "measure", "providers", "card", "memory"),
    [
        ("H100:80", "rate_aws_usd_per_hour", ("aws",), "H100", 80),
        ("L40S", "rate_cloud_usd_per_hour", ("aws", "azure", "gcp", "oci"), "L40S", None),
        ("L40S", "offers_cloud_count", ("aws", "azure", "gcp", "oci"), "L40S", None),
        ("aws/H100", "rate_cloud_usd_per_hour", ("aws",), "H100", None),
        ("azure/A100/80", "rate_cloud_usd_per_hour", ("azure",), "A100", 80),
        ("verda/H100", "rate_usd_per_hour", ("verda",), "H100", None),
    ],
)
def test_a_feed_names_providers_by_its_measure_or_in_its_key(
    key: str, measure: str, providers: tuple[str, ...], card: str, memory: float | None
) -> None:
    assert cards_of(wanted(key, measure)) == (providers, card, memory)


@pytest.mark.parametrize(
    ("key", "measure"), [("H100:80", "rate_usd_per_hour"), ("ibm/H100", "rate_aws_usd_per_hour")]
)
def test_a_feed_that_names_no_provider_is_refused_unasked(
    web: MakeWeb, key: str, measure: str
) -> None:
    line = web("gpuhunt")
    with pytest.raises(SourceError, match="no such feed; it has CARD"):
        Cloud().fetch(wanted(key, measure), line, NOW)
    assert line.requests == 0


def serve(httpserver: HTTPServer, provider: str, version: str, *rows: str) -> None:
    base = f"/v3/{provider}"
    httpserver.expect_request(f"{base}/version").respond_with_data(f"{version}\n")
    httpserver.expect_request(f"{base}/{version}/catalog.zip").respond_with_data(
        zipped(*rows, provider=provider)
    )


def test_a_catalogue_is_fetched_once_for_all_cards(httpserver: HTTPServer, web: MakeWeb) -> None:
    serve(httpserver, "aws", "20260818-42", A100, A100_80)
    source, line = Cloud(), web("gpuhunt")
    first = source.fetch(wanted("A100:40"), line, NOW)
    second = source.fetch(wanted("A100:80"), line, NOW)
    assert values(first)["rate_aws_usd_per_hour"] == pytest.approx(2.75)
    assert values(second)["rate_aws_usd_per_hour"] == pytest.approx(4.0)
    assert line.requests == 2


def test_the_clouds_together_are_as_old_as_the_oldest_catalogue(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    serve(httpserver, "aws", "20260820-3", A100)
    serve(httpserver, "azure", "20260818-42", A100.replace("22.0", "28.0"))
    serve(httpserver, "gcp", "20260820-7", A100.replace("22.0", "40.0"))
    serve(httpserver, "oci", "20260820-1", A10G)  # it has no such card, which is no failure
    frame = Cloud().fetch(wanted("A100:40", "rate_cloud_usd_per_hour"), web("gpuhunt"), NOW)
    assert values(frame)["rate_cloud_usd_per_hour"] == pytest.approx(3.5)
    assert set(frame["date"]) == {pd.Timestamp("2026-08-17")}


def test_one_cloud_that_does_not_answer_spoils_the_median_of_all(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    for provider in ("aws", "azure", "gcp"):
        serve(httpserver, provider, "20260820-3", A100)
    httpserver.expect_request("/v3/oci/version").respond_with_data("", status=404)
    source, line = Cloud(), web("gpuhunt")
    with pytest.raises(EmptyError, match="no median without oci, unavailable"):
        source.fetch(wanted("A100:40", "rate_cloud_usd_per_hour"), line, NOW)
    assert not source.fetch(wanted("A100:40"), line, NOW).empty  # gpuhunt as such is not down


def test_where_the_first_cloud_does_not_answer_the_upstream_is_unavailable(
    httpserver: HTTPServer, web: MakeWeb
) -> None:
    httpserver.expect_request("/v3/aws/version").respond_with_data("", status=500)
    with pytest.raises(UnavailableError):
        Cloud().fetch(wanted("A100:40", "rate_cloud_usd_per_hour"), web("gpuhunt"), NOW)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x1f\x8b\x08broken", b"PK\x03\x04"])
def test_a_broken_download_is_an_error_of_ours(
    httpserver: HTTPServer, web: MakeWeb, body: bytes
) -> None:
    httpserver.expect_request("/v3/aws/version").respond_with_data("20260818-42")
    httpserver.expect_request("/v3/aws/20260818-42/catalog.zip").respond_with_data(body)
    with pytest.raises(SourceError):
        Cloud().fetch(wanted("A100:40"), web("gpuhunt"), NOW)


def test_the_folder_that_gpuhunt_may_be_given_is_not_read(
    httpserver: HTTPServer, web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUHUNT_CATALOG_DIR", "/nowhere")
    serve(httpserver, "aws", "20260818-42", A100)
    assert not Cloud().fetch(wanted("A100:40"), web("gpuhunt"), NOW).empty


ODD_CELLS = ("", "nan", "1e999", '"', "{", "tpu-v5", "9" * 400, "5e-324")
CELLS = st.lists(st.sampled_from([*A100.split(","), *ODD_CELLS]))
BYTES = st.binary(max_size=200) | st.builds(
    lambda at, value: zipped(A100, A100_80)[:at] + value + zipped(A100, A100_80)[at + 1 :],
    st.integers(0, len(zipped(A100, A100_80))),
    st.binary(max_size=1),
)


@settings(max_examples=500, deadline=None)
@given(JSON | BYTES | CELLS.map(",".join) | st.text())
def test_any_answer_gives_a_checked_table_or_an_error_of_ours(answer: Any) -> None:
    for _, parser in PARSERS:
        check_each(parser, answer, NOW)
