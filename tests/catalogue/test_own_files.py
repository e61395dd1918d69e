"""One's own TOML files add to the built-in catalogue and update it, key by key."""

import datetime as dt
import os
from pathlib import Path

import pytest

from research import catalogue, config
from research.catalogue import UnknownSubjectError

NETWORK = """\
[networks.my-net]
name = "My Net"
symbol = "MYN"
tokens = [
  { symbol = "OLD", valid_to = 2025-12-31 },
  { symbol = "MYN", valid_from = 2026-01-01 },
]
status = "listed"
role = "reference"
chain = "Solana"
primary_use = "tests"
source = "me"
date = 2026-01-02
grade = "C"
"""


def test_a_network_of_ones_own_comes_after_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(NETWORK)
    known = catalogue.load(tmp_path)
    assert list(known.networks)[-1] == "my-net"
    assert known.subject("OLD", dt.date(2025, 6, 1)) == "my-net"
    assert known.regime_dates("MYN") == ()


def test_a_new_price_replaces_the_figure_whole_and_leaves_the_others(tmp_path: Path) -> None:
    before = catalogue.load(tmp_path).gpus["rtx-4090"]
    (tmp_path / "prices.toml").write_text(
        "[gpus.rtx-4090]\n"
        'purchase_usd = { value = 1750, source = "my bill", date = 2026-10-05, grade = "A" }\n'
        'venue_rate_usd_per_hour.io-net = { value = 0.4, source = "io", date = 2026-10-05,'
        ' grade = "C" }\n'
    )
    after = catalogue.load(tmp_path).gpus["rtx-4090"]
    assert after.purchase_usd is not None
    assert (after.purchase_usd.value, after.purchase_usd.source) == (1750, "my bill")
    assert after.tdp_w == before.tdp_w
    assert list(after.venue_rate_usd_per_hour) == [*before.venue_rate_usd_per_hour, "io-net"]


def test_kazam_works_as_soon_as_someone_knows_its_data(tmp_path: Path) -> None:
    (tmp_path / "kazam.toml").write_text(
        '[networks.kazam]\nstatus = "listed"\nchain = "its own"\nprimary_use = "computing"\n'
        'identifiers.coingecko = "kazam"\nsource = "its site"\n'
    )
    kazam = catalogue.load(tmp_path).networks["kazam"]
    assert (kazam.status, kazam.identifiers.coingecko, kazam.symbol) == ("listed", "kazam", "KZM")


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, place in (("b.toml", "second"), ("a.toml", "first"), ("notes.txt", "none")):
        (tmp_path / name).write_text(f'[tariffs.us-commercial]\nplace = "{place}"\n')
    assert catalogue.load(tmp_path).tariffs["us-commercial"].place == "second"


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[tariffs.us-commercial]\nplace = "here"\n')
    assert catalogue.load(tmp_path) is catalogue.load(tmp_path)
    file.write_text('[tariffs.us-commercial]\nplace = "over there"\n')
    os.utime(file, (0, 0))
    assert catalogue.load(tmp_path).tariffs["us-commercial"].place == "over there"


def test_a_symbol_that_changed_hands_needs_the_day(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(NETWORK.replace('"OLD"', '"RENDERS"'))
    (tmp_path / "other.toml").write_text(
        NETWORK.replace("my-net", "other").replace("My Net", "Other").replace('"MYN"', '"OTH"')
        .replace('"OLD", valid_to = 2025-12-31', '"RENDERS", valid_from = 2026-02-01')
        .replace("valid_from = 2026-01-01", "valid_from = 2025-01-01")
    )  # fmt: skip
    known = catalogue.load(tmp_path)
    assert known.subject("RENDERS", dt.date(2025, 3, 1)) == "my-net"
    assert known.subject("RENDERS", dt.date(2026, 3, 1)) == "other"
    with pytest.raises(UnknownSubjectError, match="give the day"):
        known.subject("RENDERS")


def test_the_folder_of_the_settings_is_used_where_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalogue"
    monkeypatch.setattr(catalogue, "settings", lambda: config.Settings(catalogue=folder))
    assert "my-net" not in catalogue.load().networks
    folder.mkdir()
    (folder / "mine.toml").write_text(NETWORK)
    assert "my-net" in catalogue.load().networks


VENUE = """\
[venues.my-club]
name = "My club"
payout = "usd"
platform_fee = { value = 0.1, source = "me", date = 2026-01-02, grade = "A" }
summary = "friends"
source = "me"
date = 2026-01-02
grade = "A"

[gpus.rtx-4090]
venue_rate_usd_per_hour.my-club = { value = 0.5, source = "me", date = 2026-01-02, grade = "A" }

[risks.my-worry]
subject = "my-club"
kind = "no-sla"
summary = "nobody signs anything"
source = "me"
date = 2026-01-02
grade = "A"

[stresses.my-nightmare]
name = "My nightmare"
summary = "nobody rents"
utilization_change = { value = -1, source = "me", date = 2026-01-02, grade = "D" }
source = "me"
date = 2026-01-02
grade = "D"

[stresses.crypto-2022]
reached_after_months = 6
"""


def test_a_venue_a_risk_and_a_stress_of_ones_own_stand_beside_the_built_in_ones(
    tmp_path: Path,
) -> None:
    before = catalogue.load(tmp_path)
    (tmp_path / "mine.toml").write_text(VENUE)
    known = catalogue.load(tmp_path)
    assert list(known.venues) == [*before.venues, "my-club"]
    assert known.gpus["rtx-4090"].venue_rate_usd_per_hour["my-club"].value == 0.5
    assert [x.id for x in known.counted_risks("my-club", dt.date(2026, 1, 2))] == ["my-worry"]
    assert known.counted_risks("my-club", dt.date(2026, 1, 1)) == ()
    nightmare = known.stresses["my-nightmare"]
    assert nightmare.utilization_change is not None
    assert (nightmare.utilization_change.value, nightmare.token_change_of("akash")) == (-1, None)
    crypto, was = known.stresses["crypto-2022"], before.stresses["crypto-2022"]
    assert (crypto.reached_after_months, was.reached_after_months) == (6, 12)
    assert crypto.token_change == was.token_change
