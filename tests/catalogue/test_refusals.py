"""A wrong catalogue file is refused with the line that is wrong and what would be right."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from research import catalogue
from research.catalogue import Catalogue
from research.errors import CatalogueError

GPU = """\
[gpus.my-card]
name = "My card"
vram_gb = { value = 24, source = "its box", date = 2026-01-02, grade = "C" }
tdp_w = { value = 300, source = "its box", date = 2026-01-02, grade = "C" }
idle_w = { value = 20, source = "my meter", date = 2026-01-02, grade = "A" }
announced = 2025-05-01
purchase_usd = { value = 900, source = "my bill", date = 2026-01-02, grade = "A" }
"""

NETWORK = """\
# a network of my own
[networks.my-net]
name = "My Net"
symbol = "MYN"
status = "listed"
role = "reference"
chain = "Solana"
primary_use = "tests"
source = "me"
date = 2026-01-02
grade = "C"

[[networks.my-net.payouts]]
kind = "usd"
since = 2026-01-02
summary = "dollars"
source = "me"
date = 2026-01-02
grade = "C"
platform_fee = { value = 0.25, source = "me", date = 2026-01-02, grade = "D" }
"""

EVENT = """\
[events.my-event]
subject = "akash"
date = 2026-01-02
kind = "listing"
regime = false
summary = "something"
source = "me"
published = 2026-01-02
grade = "C"
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str, name: str = "mine.toml") -> str:
    write(folder, text, name)
    with pytest.raises(CatalogueError) as error:
        catalogue.load(folder)
    return str(error.value)


def load(folder: Path, text: str) -> Catalogue:
    write(folder, text)
    return catalogue.load(folder)


def test_the_examples_of_this_file_are_right(tmp_path: Path) -> None:
    known = load(tmp_path, GPU + NETWORK + EVENT)
    assert known.gpus["my-card"].tdp_w.value == 300
    assert known.subject("myn") == "my-net"


ADD = "announced = 2025-05-01"  # a line of GPU after which others are put
ONE = '{ value = 1, source = "me", date = 2026-01-02, grade = "C" }'


@pytest.mark.parametrize(
    ("right", "wrong", "line", "reason"),
    [
        ("value = 300", "value = -300", 4, "-300 is out of bounds; accepted: a figure above 0"),
        ("value = 300", "value = 0", 4, "accepted: a figure above 0"),
        ("value = 900", 'value = "900"', 7, "value: '900' does not fit; accepted: a number"),
        ("value = 900", "value = true", 7, "value: True does not fit; accepted: a number"),
        ("value = 900", "value = nan", 7, "accepted: a number"),
        ("value = 900", "value = 900, low = 950", 7, "low 950 is above the value 900"),
        ("value = 900", "value = 900, high = 850", 7, "high 850 is below the value 900"),
        (' source = "my bill",', "", 7, "purchase_usd.source: missing; accepted: text"),
        ('"my bill"', '" "', 7, "source: ' ' does not fit; accepted: text"),
        ('"my bill", date = 2026-01-02', '"my bill", date = 2026', 7, "accepted: a date such as"),
        ('02, grade = "A"', '02, grade = "E"', 5, "grade: 'E' does not fit; accepted: A, B, C, D"),
        (ADD, 'announced = "2025-05-01"', 6, "accepted: a date such as 2026-03-23"),
        (ADD, "announced = 2025-05-01T00:00:00", 6, "accepted: a date such as 2026-03-23"),
        (ADD, f"{ADD}\nwatts = 3", 7, "watts: unknown key; accepted: name, vram_gb, tdp_w"),
        (ADD, f'{ADD}\nid = "x"', 7, "id: unknown key"),
        (ADD, f"{ADD}\nvenue_rate_usd_per_hour.akahs = {ONE}", 7, "did you mean akash?"),
        ('name = "My card"\n', "", 1, "gpus.my-card.name: missing"),
        ("[gpus.my-card]", "[gpus.My_Card]", 1, "not an id; accepted: small letters"),
        ("[gpus.my-card]", "[gpuz.my-card]", 1, "gpuz: unknown table; accepted: networks"),
        ("vram_gb = {", "vram_gb = 24 # {", 3, "a figure above 0, as { value, source, date"),
    ],
)
def test_a_wrong_card_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, reason: str
) -> None:
    assert right in GPU
    text = refusal(tmp_path, GPU.replace(right, wrong, 1))
    assert text.startswith(f"{tmp_path / 'mine.toml'}:{line}: gpu")
    assert reason in text


SYMBOL = 'symbol = "MYN"'
KIND = 'kind = "usd"'
BACKWARDS = """symbol = "MYN"
tokens = [
  { symbol = "MYN" },
  { symbol = "A", valid_from = 2026-01-02, valid_to = 2025-01-02 },
]"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "reason"),
    [
        ("value = 0.25", "value = 25", 20, "accepted: a fraction from 0 to 1, no percent"),
        (KIND, 'kind = "dollars"', 14, "accepted: usd, usd-quoted, token-quoted, emission-share"),
        (KIND, 'kind = "token-quoted"', 14, "token-quoted payout without tokens_per_week"),
        (KIND, f"{KIND}\ncollateral_tokens.rtx-9090 = {ONE}", 15, "rtx-9090 is unknown, did you"),
        (KIND, f"{KIND}\ntokens_per_week.rtx-4090 = {ONE}", 14, "usd payout with tokens_per_week"),
        ("since = 2026-01-02\n", "", 13, "payouts.0.since: missing"),
        (SYMBOL, 'symbol = "AKT"', 4, "AKT means networks.akash and networks.my-net at the same"),
        (SYMBOL, f'{SYMBOL}\ntokens = [{{ symbol = "OLD" }}]', 4, "still valid; accepted: OLD"),
        (SYMBOL, BACKWARDS, 7, "valid_to 2025-01-02 is before valid_from"),
        (
            SYMBOL,
            f'{SYMBOL}\nidentifiers.gecko = "x"',
            5,
            "gecko: unknown key; accepted: coingecko",
        ),
        ('chain = "Solana"\n', "", 5, "listed, but chain or primary_use is missing"),
        ('grade = "C"\n\n', "\n", 2, "networks.my-net.grade: missing"),
        (
            "[[networks.my-net.payouts]]",
            "[networks.my-net.payouts]",
            13,
            "an array of: kind, since",
        ),
    ],
)
def test_a_wrong_network_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, reason: str
) -> None:
    assert right in NETWORK
    text = refusal(tmp_path, NETWORK.replace(right, wrong, 1))
    assert text.startswith(f"{tmp_path / 'mine.toml'}:{line}: networks.my-net")
    assert reason in text


@pytest.mark.parametrize(
    ("right", "wrong", "line", "reason"),
    [
        ('subject = "akash"', 'subject = "akahs"', 2, "akahs is unknown, did you mean akash?"),
        ("regime = false", "regime = 0", 5, "accepted: true or false"),
        ('kind = "listing"', 'kind = "party"', 4, "accepted: burn-mint, emission"),
        ("date = 2026-01-02", "", 1, "events.my-event.date: missing; accepted: a date"),
    ],
)
def test_a_wrong_event_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, reason: str
) -> None:
    text = refusal(tmp_path, EVENT.replace(right, wrong, 1))
    assert text.startswith(f"{tmp_path / 'mine.toml'}:{line}: events.my-event")
    assert reason in text


@pytest.mark.parametrize(
    ("unit", "value"), [("fraction", 97), ("correlation", -1.5), ("W", -1), ("change", -2)]
)
def test_an_assumption_out_of_the_bounds_of_its_unit_is_refused(
    tmp_path: Path, unit: str, value: float
) -> None:
    text = refusal(
        tmp_path,
        f'[assumptions.mine]\nname = "Mine"\nunit = "{unit}"\nmeaning = "mine"\n'
        f'figure = {{ value = {value}, source = "me", date = 2026-01-02, grade = "D" }}\n',
    )
    assert f"value {value} is out of bounds" in text
    assert "mine.toml:1: assumptions.mine" in text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[gpus.a]\nname = \n", 2),
        ("[gpus.a]\n[gpus.a]\n", 2),
        ("a = 1\na = 2\n", 2),
        ('[gpus.a]\nname = """\nnever closed\n', 3),
        ("\n\n[gpus.a\n", 3),
        ("a = " + "[" * 5000, 1),
        ("\na = " + "9" * 5000, 2),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'mine.toml'}:{line}: ")
    assert message.endswith("accepted: TOML 1.0")


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes('a = "ok"\nb = "é"\n'.encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"mine.toml:2: not UTF-8"):
        catalogue.load(tmp_path)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no such folder"):
        catalogue.load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["gpus = 3\n", "[[gpus]]\na = 1\n", "gpus.mine = 3\n"])
def test_a_section_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, text)
    assert "mine.toml:1: gpus" in message
    assert "not a table" in message


def test_all_wrong_lines_are_named_in_their_order(tmp_path: Path) -> None:
    text = GPU.replace("value = 300", "value = -1").replace("2025-05-01", "2025")
    lines = re.findall(r"mine\.toml:(\d+): ", refusal(tmp_path, text))
    assert lines == ["4", "6"]


def test_an_update_of_a_built_in_entry_is_refused_in_the_users_own_file(tmp_path: Path) -> None:
    text = '\n\n[gpus.rtx-4090]\nused_usd = { value = 1500, date = 2026-01-02, grade = "A" }\n'
    message = refusal(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'mine.toml'}:4: gpus.rtx-4090.used_usd.source: missing")


def test_an_update_that_contradicts_a_built_in_entry_is_blamed_on_the_user(tmp_path: Path) -> None:
    message = refusal(tmp_path, '[networks.io-net]\nsymbol = "FLUX"\n')
    assert message.startswith(f"{tmp_path / 'mine.toml'}:2: networks.io-net.symbol: FLUX means")
    message = refusal(tmp_path, '[networks.kazam]\nstatus = "listed"\n')
    assert message.startswith(f"{tmp_path / 'mine.toml'}:2: networks.kazam.status: listed, but")


def test_an_id_used_for_two_things_is_refused(tmp_path: Path) -> None:
    text = '[factors.akash]\nname = "x"\nsymbol = "X"\ncalendar = "utc-days"\nidentifiers = {}\n'
    message = refusal(tmp_path, text + 'source = "me"\ndate = 2026-01-02\ngrade = "C"\n')
    assert "mine.toml:1: factors.akash: akash means networks.akash and factors.akash" in message


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_damaged_file_gives_a_catalogue_or_a_refusal_with_its_line(
    tmp_path: Path, data: st.DataObject
) -> None:
    text = GPU + NETWORK + EVENT
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        scrap = data.draw(st.text("ab1-.\"'=[]{}#,\n \\é", max_size=6))
        text = text[:start] + scrap + text[end:]
    file = write(tmp_path, text)
    try:
        catalogue.load(tmp_path)
    except CatalogueError as error:
        for line in str(error).splitlines()[:10]:
            found = re.match(re.escape(f"{file}:") + r"(\d+): ", line)
            assert found, line
            assert 1 <= int(found[1]) <= text.count("\n") + 1
            assert "; accepted: " in line


FEEDS = """\
[networks.my-net.feeds]
price_usd = [
  { source = "coingecko", key = "mine" },
  { source = "yahoo", key = "MINE-USD", referee = true },
]
"""


def test_the_example_of_feeds_is_right(tmp_path: Path) -> None:
    feeds = load(tmp_path, NETWORK + FEEDS).networks["my-net"].feeds["price_usd"]
    assert [(x.source, x.key, x.referee) for x in feeds] == [
        ("coingecko", "mine", False),
        ("yahoo", "MINE-USD", True),
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "reason"),
    [
        ('"coingecko"', '"coingeko"', 3, "coingeko is unknown, did you mean coingecko?"),
        ("price_usd", "price_eur", 2, "price_eur is unknown, did you mean price_usd?"),
        ("price_usd", "retail_usd", 2, "retail_usd is unknown"),  # a measure of cards
        ('"yahoo"', '"coingecko"', 4, "coingecko is named twice; accepted: a source once"),
        ('"mine" }', '"mine", referee = true }', 2, "no feed but referees"),
        (', key = "mine"', "", 3, "key: missing; accepted: text"),
        ('"mine" }', '"mine", when = 1 }', 3, "when: unknown key; accepted: source, key, referee"),
        ("referee = true", 'referee = "yes"', 4, "accepted: true or false"),
    ],
)
def test_a_wrong_feed_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, reason: str
) -> None:
    assert right in FEEDS
    text = refusal(tmp_path, FEEDS.replace(right, wrong, 1) + NETWORK)
    assert text.startswith(f"{tmp_path / 'mine.toml'}:{line}: networks.my-net.feeds")
    assert reason in text


def test_a_required_measure_that_is_unknown_is_refused_with_its_line(tmp_path: Path) -> None:
    text = refusal(tmp_path, NETWORK.replace("chain =", 'required = ["prize_usd"]\nchain =', 1))
    assert text.startswith(f"{tmp_path / 'mine.toml'}:7: networks.my-net.required.0: prize_usd is")


SOURCE = """\
[sources.my-source]
name = "Mine"
url = "https://example.org/api"
terms = "free"
attribution = "me"
documented = true
switched_on = true
key = "none"
requests_per_minute = 10
revision_days = 0
kind = "vendor"
source = "me"
date = 2026-01-02
grade = "C"
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "reason"),
    [
        ('key = "none"', 'key = "secret"', 8, "accepted: none, optional, required"),
        ("requests_per_minute = 10", "requests_per_minute = 0", 1, "is not above 0"),
        ("revision_days = 0", "revision_days = -1", 1, "revision_days is below 0"),
        ("revision_days = 0", "revision_days = 0.5", 10, "0.5 does not fit"),
        ('"https://example.org/api"', '"example.org"', 1, "url example.org is no web address"),
        ('kind = "vendor"', 'kind = "gossip"', 11, "accepted: on-chain, vendor, derived"),
        ('terms = "free"\n', "", 1, "sources.my-source.terms: missing; accepted: text"),
    ],
)
def test_a_wrong_source_is_refused_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, reason: str
) -> None:
    load(tmp_path, SOURCE)
    assert right in SOURCE
    text = refusal(tmp_path, SOURCE.replace(right, wrong, 1))
    assert text.startswith(f"{tmp_path / 'mine.toml'}:{line}: sources.my-source")
    assert reason in text
