"""What clouds ask for cards, from the catalogues that gpuhunt reads: AWS, Azure, GCP and others.

https://github.com/dstackai/gpuhunt publishes one catalogue a provider, several times a day, without
a key. The key of a feed is the card as gpuhunt names it and, where needed, its memory in GB:
`L40S`, `A100:80`, `H100NVL`. Whose price it is says the measure, such as rate_aws_usd_per_hour; or
the key, whatever the measure: `aws/H100`, `azure/A100/80`.

gpuhunt's own `Catalog` downloads without a time limit and finds files through the environment of
the whole process, which other threads read at the same time. So the zip is fetched by our `Web`,
and only gpuhunt's reader and its filter see it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import logging
import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from gpuhunt import CatalogItem, QueryFilter, matches
from gpuhunt._internal import storage

from research.errors import EmptyError, SourceError, UnavailableError
from research.sources import Wanted
from research.sources._answers import Question, midnight
from research.sources._rates import card_and_memory, known, market_of, spread

if TYPE_CHECKING:
    from research.sources.web import Web

logging.getLogger("gpuhunt").addHandler(logging.NullHandler())  # else each odd row is on stderr

PROVIDERS: Mapping[str, tuple[str, ...]] = {  # by market, as the measures are called and defined
    "aws": ("aws",),
    "azure": ("azure",),
    "gcp": ("gcp",),
    "cloud": ("aws", "azure", "gcp", "oci"),
    "neocloud": ("lambdalabs", "nebius", "verda", "cloudrift"),
}
SINGLES = ", ".join(sorted({name for names in PROVIDERS.values() for name in names} | {"runpod"}))
VERSION = re.compile(r"(20\d\d)([01]\d)([0-3]\d)-\d{1,9}", re.ASCII)  # the day and a serial number
FIELDS = ("instance_name", "location", "price", "gpu_count", "gpu_name", "gpu_memory", "spot")
MAX_BYTES = 500_000_000  # of a catalogue, unpacked
ROUNDING = 0.1  # by which a card's memory may differ: an L40S of 48 GB tells 44.7 GiB
MOST_CARDS = 1000  # of an instance
# what zipfile and its decompressors raise when a zip was cut off or garbled
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError,
          RuntimeError, ValueError)  # fmt: skip
RESERVED = "gcp-dws-calendar-mode"  # a flag: the price of days that were booked ahead


@dataclass
class Cloud:
    """List prices on demand, USD per GPU-hour, over the instances and regions of the providers."""

    catalogues: dict[tuple[str, str, dt.datetime], tuple[dt.datetime, list[CatalogItem]]] = field(
        default_factory=dict
    )

    def fetch(self, wanted: Wanted, web: Web, now: dt.datetime) -> pd.DataFrame:
        """Return count, minimum, median and quartiles as of the oldest catalogue that is in it."""
        read: list[tuple[dt.datetime, list[CatalogItem]]] = []
        for provider in cards_of(wanted)[0]:
            try:
                read.append(self._catalogue(provider, web, now))
            except UnavailableError as refused:
                if not read:
                    raise
                reason = f"no median without {provider}, {refused.outcome} ({refused.reason})"
                raise EmptyError(refused.source, wanted.key, reason) from None
        items = [item for _, items in read for item in items]
        return known(parse_items(items, wanted=wanted, made=min(made for made, _ in read)))

    def _catalogue(
        self, provider: str, web: Web, now: dt.datetime
    ) -> tuple[dt.datetime, list[CatalogItem]]:
        """Return the latest catalogue and its day; it is asked for once, whatever the card."""
        asked = (web.base_url, provider, now)
        if asked not in self.catalogues:
            version = web.text(f"/v3/{provider}/version").strip()
            made = parse_version(version, provider=provider, now=now)
            content = web.content(f"/v3/{provider}/{version}/catalog.zip")
            self.catalogues[asked] = (made, unpack(content, provider=provider))
        return self.catalogues[asked]


def cards_of(wanted: Wanted) -> tuple[tuple[str, ...], str, float | None]:
    """Return the providers, the card and its memory in GB that a feed means."""
    provider, slash, card = wanted.key.partition("/")
    if slash and provider in SINGLES.split(", "):
        return (provider,), *card_and_memory(card.replace("/", ":"))
    market = market_of(wanted.series)
    if slash or market not in PROVIDERS:
        feeds = f"CARD and CARD:GB for {', '.join(PROVIDERS)}, PROVIDER/CARD for {SINGLES}"
        raise SourceError("gpuhunt", wanted.key, f"no such feed; it has {feeds}")
    return PROVIDERS[market], *card_and_memory(wanted.key)


def parse_version(text: Any, *, provider: str, now: dt.datetime) -> dt.datetime:
    """Return the day of a catalogue, such as 20260818-42, as the midnight at which it begins."""
    question = Question("gpuhunt", f"version {provider}")
    found = VERSION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise question.changed(f"{str(text)[:40]!r} is no version, such as 20260818-42")
    try:
        day = dt.datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=dt.UTC)
    except ValueError:
        raise question.changed(f"{text!r}: there is no such day") from None
    if day.date() > midnight(now).date():
        raise question.changed(f"{text!r} is of a day to come")
    return day


def unpack(content: Any, *, provider: str) -> list[CatalogItem]:
    """Return what a catalogue offers on demand with a card, as gpuhunt reads it.

    gpuhunt knows the catalogues of old: without a vendor it is NVIDIA, with `tpu-` Google. It
    leaves out rows that it cannot read.
    """
    question = Question("gpuhunt", f"catalogue {provider}")
    text = _unzip(content, f"{provider}.csv", question)
    try:
        header, *rows = csv.reader(io.StringIO(text, newline="")) if text else [[]]
        if absent := [name for name in FIELDS if name not in header]:
            raise question.changed(f"the header lacks {', '.join(absent)}")
        items = list(storage.load(io.StringIO(text, newline=""), provider=provider))
    except (csv.Error, RecursionError):
        raise question.changed(f"{provider}.csv cannot be read") from None
    if len(items) < len(rows) / 2:
        raise question.changed(f"of {len(rows)} rows only {len(items)} can be read")
    on_demand = QueryFilter(spot=False, min_gpu_count=1)
    offered = [
        item
        for item in items
        if item.gpu_count <= MOST_CARDS and matches(item, on_demand) and RESERVED not in item.flags
    ]
    if not offered:
        raise question.changed(f"{len(items)} rows that can be read, none with a card on demand")
    return offered


def _unzip(content: Any, name: str, question: Question) -> str:
    """Return the text of the one file that a catalogue is made of."""
    if not isinstance(content, bytes):
        raise question.changed("no bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.getinfo(name)
            if member.file_size > MAX_BYTES:
                raise question.changed(f"{name} has {member.file_size / 1e6:.0f} MB")
            return archive.read(member).decode("utf-8")
    except KeyError:
        raise question.changed(f"no {name} in the zip") from None
    except BROKEN:
        raise question.changed("no zip that can be read") from None


def parse_items(items: Iterable[CatalogItem], *, wanted: Wanted, made: dt.datetime) -> pd.DataFrame:
    """Return the spread of a card's list prices; the price of an instance is of all its cards."""
    providers, card, memory = cards_of(wanted)
    question = Question("gpuhunt", wanted.key)
    of_card = QueryFilter(
        provider=list(providers),
        gpu_name=[card],
        min_gpu_memory=None if memory is None else memory * (1 - ROUNDING),
        max_gpu_memory=None if memory is None else memory * (1 + ROUNDING),
    )
    found = [item.price / item.gpu_count for item in items if matches(item, of_card)]
    rates = [rate for rate in found if 0 < rate < math.inf]
    if not rates:
        raise question.empty("no such card on demand")
    return question.reading(spread(rates, wanted.series), made)
