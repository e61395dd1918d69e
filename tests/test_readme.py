"""What the README shows works as it is written there."""

from __future__ import annotations

import datetime as dt
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_httpserver import HTTPServer

from research import case, catalogue, config, sources
from research.parameters import schema
from research.report.render import find
from research.store import Store
from research.unattended import schedule
from research.update import update

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)


def blocks(language: str) -> list[str]:
    """Return the README's code blocks in a language, the first one first; no schedule."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [block for block in found if "[[report]]" not in block]


def test_its_schedule_plans_four_reports_on_mondays(tmp_path: Path) -> None:
    (tmp_path / "schedule.toml").write_text(
        README.partition("```toml\n[[report]]")[2].partition("```")[0].join(["[[report]]", ""])
    )
    reports = schedule.read(tmp_path / "schedule.toml").reports
    assert len(reports) == 4
    assert {report.plan.following(NOW) for report in reports} == {
        dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)
    }


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalogue folder of one's own, and settings that name it."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    monkeypatch.setenv("RESEARCH_CATALOGUE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    config.settings.cache_clear()
    yield folder
    config.settings.cache_clear()


def test_its_network_is_a_valid_entry_and_its_price_an_update(own: Path) -> None:
    network, *_ = blocks("toml")
    (own / "mine.toml").write_text(network, encoding="utf-8")

    known = catalogue.load()

    assert known.subject("EXC") == "example"
    assert known.gpus["rtx-4090"].purchase_usd is not None
    assert known.gpus["rtx-4090"].purchase_usd.value == 2900
    assert known.gpus["rtx-4090"].tdp_w.value == 450


def test_its_place_tariff_risk_and_stress_reach_the_question(own: Path) -> None:
    _, mine, _ = blocks("toml")
    (own / "mine.toml").write_text(mine, encoding="utf-8")
    accepted = schema(find("token-or-hardware"))

    made = case.build(SimpleNamespace(**accepted.check({"tariff": "mine", "until": "2026-11-22"})))

    assert made.question.rig.tariff_usd_per_kwh == 0.24
    paid = {offer.name: offer.rate_usd_per_hour for offer in made.offers}
    assert paid["A studio in town"] == 0.30
    assert {fact.kind for fact in made.facts} >= {"slashing", "oracle"}
    stress = next(each for each in made.stresses if each.id == "price-war")
    assert (stress.rate_change, stress.reached_after_months) == (-0.4, 6)


def test_its_hooks_change_the_chance_that_renting_pays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hooks.py").write_text(blocks("python")[0], encoding="utf-8")

    runpy.run_path(str(tmp_path / "hooks.py"))

    plain, borrowed = (line.split() for line in capsys.readouterr().out.splitlines())
    assert plain[0] == "neither"
    assert 0 < float(borrowed[1]) < float(plain[1])  # credit at 12 % and taxes, at a loss


def test_its_source_fills_the_store(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    network, _, facts = blocks("toml")
    network = re.sub(r"\[networks\.example\.feeds\]\n.*\n", "", network)  # of its first half
    (own / "mine.toml").write_text(network + facts, encoding="utf-8")
    (tmp_path / "readme_example.py").write_text(blocks("python")[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    line = {"example": "readme_example:Example"}
    monkeypatch.setattr(sources, "SOURCES", {**sources.SOURCES, **line})
    monkeypatch.setenv("RESEARCH_URLS__EXAMPLE", httpserver.url_for(""))
    config.settings.cache_clear()
    days = [{"day": "2026-11-20", "gpus": 11}, {"day": "2026-11-21", "gpus": "12"}]
    running = {"day": "2026-11-22", "gpus": 3}
    httpserver.expect_request("/v1/days", query_string={"of": "rented"}).respond_with_json(
        {"days": [*days, running]}
    )

    update(["example"], store=str(tmp_path / "store"), budget_seconds=30, now=NOW)

    held = Store(str(tmp_path / "store")).read(["example.gpus_active"])
    assert held["value"].tolist() == [11, 12]
    sys.modules.pop("readme_example", None)
