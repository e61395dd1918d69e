"""The tables of a decision: what flips it, risk and return, the record, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from research.figures.theme import Markup, table
from research.figures.words import any_value, level, percent, usd
from research.models.appraisal import Appraisal
from research.models.decision import Decision
from research.models.flips import Flip
from research.models.futures import Question
from research.models.returns import Risk
from research.origin import Origin


def show_record(risks: Sequence[Risk], *, origin: Origin) -> Markup:
    """Return what holding has done, one column a token."""
    lines = (
        "Span",
        "Compound growth a year",
        "Volatility a year",
        "Volatility a year, log returns",
        "Maximum drawdown",
        "5 % expected shortfall, one day",
        "Sharpe ratio",
    )
    return table(
        pd.DataFrame({risk.name: risk.summary()[list(lines)] for risk in risks}),
        caption="The record so far, 95 % intervals in brackets",
        origin=origin,
    )


def show_flips(decision: Decision, *, origin: Origin) -> Markup:
    """Return what each input would have to be for renting to pay, or to tie with an alternative."""
    q, appraisal = decision.question, decision.appraisal
    found = {(str(flip.input), flip.against): flip for flip in decision.flips}
    inputs = [
        ("utilization", "Utilization", appraisal.utilization, appraisal.break_even_utilization),
        (
            "rate_usd_per_hour",
            "Rental rate",
            appraisal.rate_usd_per_hour,
            appraisal.break_even_rate_usd_per_hour,
        ),
        (
            "tariff_usd_per_kwh",
            "Electricity tariff",
            appraisal.tariff_usd_per_kwh,
            appraisal.break_even_tariff_usd_per_kwh,
        ),
    ]
    pays = f"Rig pays back with {100 * q.discount_rate_per_year:.0f} % a year"
    against_token = f"Level with {q.token or 'the token'}"
    rows = [
        {
            "Input": label,
            "Assumed": level(key, today),
            pays: _break_even(key, value),
            "Level with T-bills": _tie(found.get((key, "t-bill")), _unfound(key, decision)),
            against_token: _tie(found.get((key, "hold")), _unfound(key, decision)),
        }
        for key, label, today, value in inputs
        if key != "rate_usd_per_hour" or q.venue.payout != "token-quoted"
    ]
    if (token := found.get(("token", "hold"))) is not None:
        price = appraisal.token_price_usd or 0.0
        needed = appraisal.break_even_token_price_usd
        rows.append(
            {
                "Input": f"Price of {q.token}",
                "Assumed": _price(price),
                pays: _price(needed) if needed is not None else "plays no part",
                "Level with T-bills": "–",
                against_token: _token_tie(token, q),
            }
        )
    frame = pd.DataFrame(rows).set_index("Input")
    return table(
        frame if q.token else frame.drop(columns=against_token),
        caption="What would flip the answer: one input changed, all others as assumed. Level means "
        "that renting ends ahead in half of the futures",
        origin=origin,
    )


def _price(value: float) -> str:
    return f"{value:,.2f} USD" if value >= 1 else f"{value:.3g} USD"


def _break_even(key: str, value: float | None) -> str:
    if value is None:
        return "at no value"
    if key == "utilization" and value > 1:
        return f"impossible ({percent(value)})"
    if value < 0:
        return "not even for free" if key == "tariff_usd_per_kwh" else "at any value"
    return level(key, value)


def _unfound(key: str, decision: Decision) -> str:
    """Return what stands where an input has no flip."""
    plays_no_part = key == "rate_usd_per_hour" and decision.question.venue.token_amounts
    if decision.appraisal.utilization or plays_no_part:
        return "–"
    return "not told: nothing is rented"


def _tie(flip: Flip | None, unfound: str) -> str:
    if flip is None:
        return unfound
    if flip.value is None:
        return f"renting {flip.otherwise} at {any_value(flip)}"
    return level(flip.input, flip.value)


def _token_tie(flip: Flip, question: Question) -> str:
    if flip.value is None:
        return f"renting {flip.otherwise} at {any_value(flip)}"
    if _income_moves_with_token(question):  # then it matters when the price changes
        return f"{_price(flip.value * (question.token_price_usd or 0.0))} from the first month on"
    growth = flip.value ** (12 / question.n_months) - 1
    more_or_less = "more" if growth >= 0 else "less"
    return f"{100 * abs(growth):,.0f} % a year {more_or_less} growth than assumed"


def _income_moves_with_token(question: Question) -> bool:
    """Say whether what renting leaves depends on the token's price before the horizon."""
    venue = question.venue
    kept = venue.pays_tokens and question.policy.sell_share < 1
    return venue.token_amounts or kept


def show_months(decision: Decision, *, origin: Origin) -> Markup:
    """Return the cash flow month by month, in USD."""
    frame = decision.months.rename(
        columns={
            "gross_usd": "Rent received",
            "fee_usd": "Platform fee",
            "electricity_usd": "Electricity",
            "fixed_usd": "Internet, upkeep",
            "repairs_usd": "Repairs",
            "net_usd": "Net",
            "net_q05_usd": "Net, worst 5 %",
            "net_q50_usd": "Net, middle",
            "net_q95_usd": "Net, best 5 %",
        }
    ).rename_axis("Month")
    return table(
        frame,
        caption="Cash flow of the rig month by month, USD: as expected, then simulated",
        origin=origin,
        formats=dict.fromkeys(frame.columns, lambda value: f"{round(value):,}"),
    )


def show_appraisal(decision: Decision, *, origin: Origin) -> Markup:
    """Return the rig judged on its expected path."""
    a = decision.appraisal
    irr = "none: " + a.notes["irr_per_year"] if a.irr_per_year is None else _percent(a.irr_per_year)
    payback = "not within the horizon" if a.payback_month is None else f"month {a.payback_month}"
    cost = a.cost_usd_per_rented_hour
    rows = {
        f"Net present value at {100 * a.discount_rate_per_year:.0f} % a year": usd(a.npv_usd),
        _profile_label(a): " / ".join(f"{worth:,.0f}" for worth in a.npv_profile_usd.values()),
        "Internal rate of return a year": irr,
        "Modified rate of return a year": "none" if a.mirr_per_year is None else
        _percent(a.mirr_per_year),
        "Payback, hardware sold at the end": payback,
        "Cost of a rented GPU-hour, all in": "none is rented" if cost is None else
        f"{cost:.2f} USD",
    }  # fmt: skip
    return table(
        pd.DataFrame({"": rows}),
        caption="The rig on the path where everything goes as expected",
        origin=origin,
    )


def _profile_label(a: Appraisal) -> str:
    rates = " / ".join(f"{100 * rate:.0f}" for rate in a.npv_profile_usd)
    return f"The same at {rates} % a year (USD)"


def _percent(share: float) -> str:
    """Return a yearly return; beyond a hundredfold its size says nothing more."""
    return "over 10,000 %" if share > 100 else f"{100 * share + 0.0:,.1f} %"


def show_assumptions(frame: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return every figure that went in, with source, date and grade."""
    shown = pd.DataFrame(
        {
            "Figure": frame["name"],
            "Value": [
                _valued(value, unit) + _ranged(low, high)
                for value, unit, low, high in zip(
                    frame["value"], frame["unit"], frame["low"], frame["high"], strict=True
                )
            ],
            "Source": frame["source"],
            "Date": ["this run" if pd.isna(date) else str(date) for date in frame["date"]],
            "Grade": frame["grade"],
        }
    )
    return table(
        shown,
        caption="Figures that went in, with the range seen or thought possible in brackets. "
        "Grade A: measured or first-party; B: published and read; C: one person's word; D: an "
        "assumption",
        origin=origin,
        names_source=False,
    )


def _valued(value: float, unit: str) -> str:
    bare = unit in ("fraction", "ratio", "correlation")
    return _number(value) if bare else f"{_number(value)} {unit}"


def _ranged(low: float | None, high: float | None) -> str:
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return ""
    return f" ({_number(low)} to {_number(high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def show_provenance(frame: pd.DataFrame, *, origin: Origin) -> Markup:
    """Return every series that went in, with source, span, gaps and age."""
    if frame.empty:
        frame = pd.DataFrame([{"series": "none", "source": "catalogue figures only"}])
        return table(frame, caption="Series that went in", origin=origin, names_source=False)
    shown = pd.DataFrame(
        {
            "Series": frame["series"],
            "Unit": frame["unit"],
            "Kind": frame["kind"],
            "Source": [
                f"{source} ({said})" if said and said != source else source
                for source, said in zip(frame["source"], frame["attribution"], strict=True)
            ],
            "First day": frame["first"].astype(str),
            "Last day": frame["last"].astype(str),
            "Days": frame["nobs"],
            "Missing": frame["missing_days"],
            "Known since": pd.to_datetime(frame["known_at"], utc=True).dt.strftime(
                "%Y-%m-%d %H:%M"
            ),
        }
    )
    return table(
        shown,
        caption="Series that went in (days and times in UTC)",
        origin=origin,
        names_source=False,
    )
