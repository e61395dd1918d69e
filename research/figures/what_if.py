"""The what-if: three sliders over answers that were computed before, in a page and in JupyterLab.

Every word that can appear is written here, once. The page's script and the widget only look words
up and put them into the sentence, so that they cannot say anything else than this file does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.counting import counted
from research.figures.theme import Markup, table
from research.figures.words import DRIFT_NAMES, error_at_most, percent, usd
from research.models.bootstrap import Drift
from research.models.what_if import Surface
from research.origin import Origin
from research.origin.markup import source_line

Array = NDArray[Any]
Place = tuple[int, int, int]  # of utilization, token growth and tariff in the grid

UTILIZATION, GROWTH, TARIFF = range(3)  # the axes of the grid
EVERY_AXIS = (UTILIZATION, GROWTH, TARIFF)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Varying:
    """A part of the sentence that depends on where in the grid one is."""

    along: tuple[int, ...]  # axes of the grid, one a level of nesting of `words`
    words: list[Any]

    def at(self, place: Place) -> str:
        """Return the words at a place in the grid."""
        found: Any = self.words
        for axis in self.along:
            found = found[place[axis]]
        return str(found)


@dataclass(frozen=True)
class Slider:
    """An input that can be moved, and what it reads at each step."""

    axis: int
    label: str
    steps: list[str]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WhatIf:
    """A what-if to be displayed as the value of a notebook's cell."""

    surface: Surface
    token: str | None  # symbol
    drift: Drift  # what the growths of the grid come on top of
    rig: str  # what is rented out, such as "one RTX 4090"
    capital_usd: float
    origin: Origin

    def __repr__(self) -> str:
        return self.sentence(*self.surface.assumed_at)

    def sentence(self, u: int, g: int, t: int) -> str:
        """Return what renting and holding come to at a place in the grid, and the answer."""
        return "".join(
            part if isinstance(part, str) else part.at((u, g, t)) for part in self.parts()
        )

    def parts(self) -> list[str | Varying]:
        """Return the sentence as the text that stays and the words that vary."""
        s, shares, amounts = self.surface, _each(percent), _each(self._usd)
        utilization = Varying((UTILIZATION,), self._utilizations())
        before, growing = self._growing()
        tariff = Varying((TARIFF,), self._tariffs())
        beats_cash = Varying(EVERY_AXIS, shares(s.beats_cash))
        rent = Varying(EVERY_AXIS, amounts(s.rent_median))
        verdict = Varying(EVERY_AXIS, self._verdicts())
        put_in, cash = usd(self.capital_usd), self._usd(s.cash)
        if s.beats_hold is None or s.hold_median is None:
            return [
                "At ",
                utilization,
                " utilization and power at ",
                tariff,
                f", renting out {self.rig} ends ahead of T-bills in ",
                beats_cash,
                f" of futures. In the middle future {put_in} become ",
                rent,
                f" by renting and {cash} in T-bills. Answer: ",
                verdict,
                ".",
            ]
        return [
            "At ",
            utilization,
            f" utilization, with {self.token} expected {before}",
            Varying((GROWTH,), growing),
            f"{',' if before else ''} and power at ",
            tariff,
            f", renting out {self.rig} ends ahead of holding {self.token} in ",
            Varying(EVERY_AXIS, shares(s.beats_hold)),
            " of futures and ahead of T-bills in ",
            beats_cash,
            f". In the middle future {put_in} become ",
            rent,
            " by renting, ",
            Varying((GROWTH,), amounts(s.hold_median)),
            f" by holding and {cash} in T-bills. Answer: ",
            verdict,
            ".",
        ]

    def sliders(self) -> list[Slider]:
        """Return the inputs of which the grid has more than one value."""
        found = [
            Slider(UTILIZATION, "Utilization", self._utilizations()),
            Slider(GROWTH, f"Growth of {self.token} a year{self._on_top()}", self._growths()),
            Slider(TARIFF, "Electricity", self._tariffs()),
        ]
        return [slider for slider in found if len(slider.steps) > 1]

    def tables(self) -> list[Markup]:
        """Return slices of the grid through what is assumed, for paper and without JavaScript."""
        s, (_, g, t) = self.surface, self.surface.assumed_at
        rows = "a line for each utilization, a column for each"
        found = []
        if s.beats_hold is not None:
            caption = (
                f"Chance that renting ends ahead of holding {self.token}, at {self._tariffs()[t]}: "
                f"{rows} expected growth of {self.token} a year{self._on_top()}"
            )
            found.append(self._table(s.beats_hold[:, :, t], self._growths(), g, caption))
        before, growing = self._growing()
        given = f", with {self.token} expected {before}{growing[g]}"
        caption = (
            f"Chance that renting ends ahead of T-bills{given if self.token else ''}: "
            f"{rows} price of electricity in USD/kWh"
        )
        prices = [f"{tariff:.3f}" for tariff in s.tariffs_usd_per_kwh]
        return [*found, self._table(s.beats_cash[:, g, :], prices, t, caption)]

    def _table(self, shares: Array, columns: list[str], assumed: int, caption: str) -> Markup:
        lines = _marked(self._utilizations(), self.surface.assumed_at[UTILIZATION])
        return table(
            pd.DataFrame(
                _each(percent)(shares),
                index=pd.Index(lines, name="Utilization"),
                columns=_marked(columns, assumed),
            ),
            caption=caption,
            origin=self.origin,
            names_source=False,
        )

    def _repr_html_(self) -> str:
        """Return what reads well as it is, and what the page's script makes sliders of."""
        s = self.surface
        grid = {
            "sliders": [vars(slider) for slider in self.sliders()],
            "parts": [part if isinstance(part, str) else vars(part) for part in self.parts()],
            "assumed": s.assumed_at,
        }
        packed = escape(json.dumps(grid, ensure_ascii=False, separators=(",", ":")))
        return (
            f'<div class="what-if" role="group" aria-label="What if" data-grid="{packed}">'
            f'<p class="what-if-sentence" role="status">{self._html(s.assumed_at)}</p>'
            f"{''.join(each.html for each in self.tables())}"
            f"{self._notes()}</div>"
        )

    def _notes(self) -> str:
        """Return what the figures are of, and where they come from."""
        s = self.surface
        note = (
            f"Shares of {s.n_paths:,} simulated futures over {counted(s.n_months, 'month')} "
            f"({error_at_most(s.n_paths)}), the same futures "
            "at every setting; the answer above may count more of them and differ a little. All "
            "other inputs are as assumed in this report."
        )
        return f'<p class="note">{note}</p>{source_line(self.origin.text, self.origin.records)}'

    def _html(self, place: Place) -> str:
        """Return the sentence with what varies in bold."""
        return "".join(
            escape(part) if isinstance(part, str) else f"<b>{escape(part.at(place))}</b>"
            for part in self.parts()
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return all forms; JupyterLab shows the widget, if it has ipywidgets, a report the HTML.

        `ipywidgets` comes with the extra `lab`; without it, the HTML is what there is.
        """
        forms = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if find_spec("ipywidgets") is None:
            return forms
        return forms | {WIDGET_VIEW: self.widget()._repr_mimebundle_()[WIDGET_VIEW]}

    def widget(self) -> Any:
        """Return sliders, the sentence and a button that resets them, as an `ipywidgets.VBox`."""
        import ipywidgets

        assumed = self.surface.assumed_at
        sliders = {
            slider.axis: ipywidgets.SelectionSlider(
                options=[(step, at) for at, step in enumerate(slider.steps)],
                value=assumed[slider.axis],
                description=slider.label,
                style={"description_width": "20em"},
                layout={"width": "min(100%, 44em)"},
            )
            for slider in self.sliders()
        }
        sentence = ipywidgets.HTML(self._html(assumed))
        reset = ipywidgets.Button(description="Back to what is assumed", layout={"width": "16em"})

        def moved(_: object) -> None:
            u, g, t = (
                sliders[axis].value if axis in sliders else assumed[axis] for axis in EVERY_AXIS
            )
            sentence.value = self._html((u, g, t))

        def undo(_: object) -> None:
            for axis, slider in sliders.items():
                slider.value = assumed[axis]

        for slider in sliders.values():
            slider.observe(moved, names="value")
        reset.on_click(undo)
        marks = "".join(f"<p><b>{mark}</b></p>" for mark in self.origin.marks)
        tables = ipywidgets.HTML("".join(each.html for each in self.tables()))
        return ipywidgets.VBox(
            [
                *sliders.values(),
                reset,
                sentence,
                ipywidgets.HTML(marks + self._notes()),
                ipywidgets.Accordion([tables], titles=["Tables"]),
            ]
        )

    def _utilizations(self) -> list[str]:
        return [f"{_digits(100 * share)} %" for share in self.surface.utilizations]

    def _growths(self) -> list[str]:
        return [
            f"{'+' if growth > 0 else ''}{_digits(100 * growth)} %"
            for growth in self.surface.token_growths
        ]

    def _growing(self) -> tuple[str, list[str]]:
        """Return what is expected of the token as the words that stay and those that vary."""
        growths = self.surface.token_growths
        if self.drift == "zero":
            return "", _moving(growths)
        return f"to grow {DRIFT_NAMES[self.drift]}, with ", _beside(growths)

    def _on_top(self) -> str:
        """Return what the growths come on top of, after their name."""
        return "" if self.drift == "zero" else " on top of its past"

    def _tariffs(self) -> list[str]:
        return [f"{tariff:.3f} USD/kWh" for tariff in self.surface.tariffs_usd_per_kwh]

    def _verdicts(self) -> list[Any]:
        s = self.surface
        found: list[Any] = (
            np.array([s.verdict(*place) for place in np.ndindex(s.shape)]).reshape(s.shape).tolist()
        )
        return found

    def _usd(self, wealth: float) -> str:
        return usd(wealth * self.capital_usd)


def show_what_if(
    surface: Surface,
    *,
    token: str | None,
    drift: Drift,
    rig: str,
    capital_usd: float,
    origin: Origin,
) -> WhatIf:
    """Return the what-if of a decision.

    Parameters
    ----------
    token : its symbol; None where it has no price
    drift : what the growths of the grid come on top of
    rig : what is rented out, such as "one RTX 4090"
    capital_usd : put to work either way
    origin : of what went in
    """
    return WhatIf(
        surface=surface,
        token=token,
        drift=drift,
        rig=rig,
        capital_usd=capital_usd,
        origin=origin,
    )


def _each(words: Callable[[float], str]) -> Callable[[Array], list[Any]]:
    """Return a function that puts every number of a table into words, nested as the table is."""

    def all_of(numbers: Array) -> list[Any]:
        found: list[Any] = np.vectorize(words, otypes=[object])(numbers).tolist()
        return found

    return all_of


def _moving(growths: Array) -> list[str]:
    return [
        f"to {'grow' if growth > 0 else 'fall'} {_digits(100 * abs(growth))} % a year"
        if growth
        else "neither to rise nor to fall"
        for growth in growths
    ]


def _beside(growths: Array) -> list[str]:
    return [
        f"{_digits(100 * abs(growth))} % a year {'on top' if growth > 0 else 'taken off'}"
        if growth
        else "nothing on top"
        for growth in growths
    ]


def _marked(steps: list[str], assumed: int) -> list[str]:
    whole = [step.replace(" ", "\N{NO-BREAK SPACE}") for step in steps]
    return [f"{step} (assumed)" if at == assumed else step for at, step in enumerate(whole)]


def _digits(value: float) -> str:
    """Return a percentage with as many digits as it needs: 57.3, 60, 1,200."""
    return f"{value + 0.0:,.0f}" if abs(value) >= 100 else f"{value + 0.0:.3g}"
