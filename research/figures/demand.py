"""One figure a question about demand and price; a sentence below each says how to read it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from research.counting import counted
from research.figures.market import show_sentences
from research.figures.theme import COLOURS, Markup, fade, finish
from research.models.demand.analysis import Analysis
from research.origin import Origin

PRICE, DEMAND = COLOURS["hold"], COLOURS["rent"]
GREY = "#808080"
BAND = fade("hold", 0.16)


def plot_levels(analysis: Analysis, *, origin: Origin) -> go.Figure | Markup:
    """Price above, demand below, one time axis, the days of new rules marked."""
    price, demand = analysis.price.dropna(), analysis.demand.dropna()
    if price.empty or demand.empty:
        return _missing(analysis, "")
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09)
    for row, (series, colour) in enumerate(((price, PRICE), (demand, DEMAND)), 1):
        figure.add_scatter(
            x=series.index, y=series, line={"color": colour, "width": 1.8}, mode="lines",
            hovertemplate="%{y:.4g}", row=row, col=1,
        )  # fmt: skip
    for happening in analysis.happenings:
        if price.index[0].date() <= happening.date <= price.index[-1].date():
            figure.add_vline(
                x=str(happening.date), line_dash="dot", line_width=1.2, line_color=GREY
            )
    figure.update_yaxes(title=f"{analysis.symbol} (USD, log)", type="log", row=1, col=1)
    figure.update_yaxes(title=_wrapped(analysis.measure_label), row=2, col=1)
    if analysis.measure != "utilization":
        figure.update_yaxes(type="log", row=2, col=1)
    figure.update_xaxes(
        title=f"{analysis.frequency.capitalize()}s, by their last day", row=2, col=1
    )
    figure.update_layout(showlegend=False, height=520)
    return finish(
        figure, origin=origin,
        alt=f"{analysis.symbol}: first {price.iloc[0]:.3g} USD, last {price.iloc[-1]:.3g} USD. "
        f"{analysis.measure_label}: first {demand.iloc[0]:.4g}, last {demand.iloc[-1]:.4g}; "
        f"{price.index[0]:%Y-%m-%d} to {price.index[-1]:%Y-%m-%d}.",
    )  # fmt: skip


def plot_partial_scatter(analysis: Analysis, *, origin: Origin) -> go.Figure | Markup:
    """Surprises of demand against surprises of price in the same period."""
    both = pd.concat([analysis.demand_residual, analysis.price_residual], axis=1).dropna()
    if analysis.partial is None or both.empty:
        return _missing(analysis, "association")
    ours = analysis.partial.spearman
    figure = go.Figure(
        go.Scatter(
            x=both.iloc[:, 0], y=both.iloc[:, 1], mode="markers",
            marker={"color": PRICE, "size": 6, "opacity": 0.6},
            text=[f"{day:%Y-%m-%d}" for day in both.index],
            hovertemplate="%{text}<br>demand %{x:.3f}, price %{y:.3f}<extra></extra>",
        )
    )  # fmt: skip
    interval = "" if ours.low is None else f", 95 % interval {ours.low:+.2f} to {ours.high:+.2f}"
    figure.update_layout(
        title=f"Rank correlation {ours.rho:+.2f}{interval}",
        xaxis={"title": "Surprise in demand (log points)", "zeroline": True},
        yaxis={"title": "Surprise in price (log points)"},
        showlegend=False, hovermode="closest", height=430,
    )  # fmt: skip
    return finish(
        figure, origin=origin,
        alt=f"{len(both)} {analysis.frequency}s of surprises in demand and in price. Rank "
        f"correlation {ours.rho:+.2f}{interval}.",
    )  # fmt: skip


def plot_lead_lag(analysis: Analysis, *, origin: Origin) -> go.Figure | Markup:
    """Rank correlation at each lead and lag with HC3 intervals; the naive band dotted."""
    if analysis.lead_lag is None:
        return _missing(analysis, "lead and lag")
    table = analysis.lead_lag.table
    clear = table["qvalue"] < 0.05
    figure = go.Figure()
    for chosen, name, colour in (
        (clear, "clear after correction for all lags", DEMAND),
        (~clear, "not distinguishable from chance", GREY),
    ):
        rows = table[chosen]
        if len(rows):
            figure.add_scatter(
                x=rows.index, y=rows["rho"], mode="markers", name=name,
                marker={"color": colour, "size": 9},
                error_y={
                    "array": rows["high"] - rows["rho"], "arrayminus": rows["rho"] - rows["low"],
                    "color": colour, "thickness": 1.5,
                },
                hovertemplate="%{y:+.2f}",
            )  # fmt: skip
    for sign in (-1, 1):
        figure.add_hline(
            y=sign * analysis.lead_lag.naive_band, line_dash="dot", line_width=1, line_color=GREY
        )
    figure.update_layout(
        xaxis={
            "title": f"Lag ({analysis.frequency}s), > 0: demand leads", "dtick": 2,
        },
        yaxis={"title": "Rank correlation"}, height=430,
    )  # fmt: skip
    found = ", ".join(f"{lag:+d}: {table.loc[lag, 'rho']:+.2f}" for lag in table.index[clear])
    return finish(
        figure, origin=origin,
        alt=f"Rank correlation at lags {table.index[0]} to {table.index[-1]}. Clear after "
        f"correction: {found or 'none'}.",
    )  # fmt: skip


def plot_rolling(analysis: Analysis, *, origin: Origin) -> go.Figure | Markup:
    """Correlation in moving windows inside the band that unrelated series reach."""
    if analysis.stability is None:
        return _missing(analysis, "stability")
    rolling = analysis.stability.rolling
    figure = go.Figure()
    _band(figure, rolling["null_low"], rolling["null_high"], "range of unrelated series (95 %)")
    figure.add_scatter(
        x=rolling.index, y=rolling["rho"], line={"color": PRICE, "width": 2}, name="observed",
        hovertemplate="%{y:+.2f}",
    )  # fmt: skip
    figure.update_layout(
        xaxis={"title": "Last day of the window"},
        yaxis={"title": "Rank correlation, 52 periods"}, height=400,
    )  # fmt: skip
    outside = (
        (rolling["rho"] > rolling["null_high"]) | (rolling["rho"] < rolling["null_low"])
    ).mean()
    return finish(
        figure, origin=origin,
        alt=f"Rolling rank correlation from {rolling['rho'].min():+.2f} to "
        f"{rolling['rho'].max():+.2f}; {100 * outside:.0f} % of the windows lie outside the "
        "range that unrelated series reach.",
    )  # fmt: skip


def plot_impulse(analysis: Analysis, *, origin: Origin) -> go.Figure | Markup:
    """Price in the periods after demand grew by 1 % more than its past implied."""
    if analysis.impulse is None:
        return _missing(analysis, "impulse")
    table = analysis.impulse.table
    figure = go.Figure()
    _band(figure, table["low"], table["high"], "95 % interval")
    figure.add_scatter(
        x=table.index, y=table["response"], line={"color": PRICE, "width": 2}, name="response",
        hovertemplate="%{y:+.2f} %",
    )  # fmt: skip
    figure.update_layout(
        xaxis={"title": f"{analysis.frequency.capitalize()}s after"},
        yaxis={"title": "Price (% for 1 % of demand)"}, height=400,
    )  # fmt: skip
    last = table.iloc[-1]
    return finish(
        figure, origin=origin,
        alt=f"{table.index[-1]} {analysis.frequency}s on, the price is {last['response']:+.2f} % "
        f"for 1 % more demand, 95 % interval {last['low']:+.2f} to {last['high']:+.2f}.",
    )  # fmt: skip


def plot_forecast_record(analysis: Analysis, *, origin: Origin) -> go.Figure | Markup:
    """Squared error saved by using demand, added up over the forecasts."""
    if analysis.forecast is None:
        return _missing(analysis, "out of sample")
    record = analysis.forecast.record
    saved = (
        (record["actual"] - record["mean"]) ** 2 - (record["actual"] - record["model"]) ** 2
    ).cumsum()
    figure = go.Figure(
        go.Scatter(x=saved.index, y=saved, line={"color": PRICE, "width": 2}, mode="lines",
                   hovertemplate="%{y:+.3f}")
    )  # fmt: skip
    figure.update_layout(
        xaxis={"title": "Forecast for the period that ends"},
        yaxis={"title": "Squared error saved, added up"}, showlegend=False, height=400,
    )  # fmt: skip
    return finish(
        figure, origin=origin,
        alt=f"{counted(analysis.forecast.nobs, 'forecast')}; using demand saved "
        f"{100 * analysis.forecast.r2_mean:+.1f} % of the squared error of the plain mean.",
    )  # fmt: skip


READINGS = {
    "levels": "Both on scales where equal steps are equal percentages (utilization: plain); dotted "
    "lines mark new rules. Two lines that rise together prove nothing: most wandering series do.",
    "scatter": "Each dot is one period, after the market's part and each side's own past are taken "
    "out. A tilted cloud is an association; it does not say which side comes first.",
    "lead lag": "To the right of zero demand goes before the price. The dotted lines are the usual "
    "band, which is too narrow here. A clear dot is not yet a reason to trade.",
    "rolling": "The shaded range is what series without any link reach by chance. A line that "
    "wanders inside it is not a link that comes and goes.",
    "impulse": "What followed, on average, 1 % more demand than its past implied. It is an average "
    "over the past and no promise; an interval around zero means that nothing was seen.",
    "forecast": "A line that rises means that forecasts with demand were better than the plain "
    "mean, using only what was known at the time. A line below zero means they were worse.",
}


def show_reading(name: str) -> Markup:
    """Return how to read a figure, and what it does not say."""
    return show_sentences(READINGS[name])


def _band(figure: go.Figure, low: pd.Series[float], high: pd.Series[float], name: str) -> None:
    figure.add_scatter(x=high.index, y=high, line={"width": 0}, mode="lines", showlegend=False,
                       hoverinfo="skip")  # fmt: skip
    figure.add_scatter(x=low.index, y=low, line={"width": 0}, mode="lines", fill="tonexty",
                       fillcolor=BAND, name=name, hoverinfo="skip")  # fmt: skip


def _missing(analysis: Analysis, question: str) -> Markup:
    """Return why a question was not asked: its own reason if there is one, else the first."""
    own = [reason for reason in analysis.skipped if question in reason]
    reason = (*own, *analysis.skipped, "no data")[0]
    why = "Not drawn" if analysis.is_mechanical else "Not enough data for this figure"
    return show_sentences(f"{why}: {reason}.")


def _wrapped(label: str) -> str:
    return label.split(" (")[0]
