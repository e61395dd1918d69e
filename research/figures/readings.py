"""How to read what only some pages have: said where it is shown, and nowhere else."""

from __future__ import annotations

from html import escape

from research.figures.theme import Markup

MIXES = (
    "Mixes of token and rig, bought once and left alone. The further left, the smaller the loss in "
    "the worst futures; the higher, the better the middle one. The ring is the mix that a middling "
    "temper (risk aversion of 2) would take. Where some futures leave nothing, as when a dear card "
    "dies and is replaced, that temper minds little else: nothing counts as 0.001, and a small "
    "chance of it outweighs a much better middle."
)
LAWS = (
    "The same question under other laws of price moves, and under other beliefs about the token's "
    "growth. A law that this history does not support says so and is not replaced."
)
RECORD = (
    "A drawdown is the fall from a high to a later low. The expected shortfall is the mean return "
    "of the worst 5 % of days. The Sharpe ratio is the return above T-bills for each unit of "
    "volatility; SE is its standard error, and below about two of them it cannot be told from "
    "zero. Who picks a token by its past has picked the best of several: the deflated ratio takes "
    "that luck off."
)


def show_several_inputs(token: str | None) -> Markup:
    """Return how to read the what-if.

    Parameters
    ----------
    token : its symbol; None where it has no price
    """
    compared = "renting and holding come" if token else "renting comes"
    growth = ", another growth of the token" if token else ""
    return _paragraph(
        f"What {compared} to at another utilization{growth} and another price of electricity, all "
        "else as assumed; each place was simulated beforehand."
    )


def show_mixing(token: str | None) -> Markup:
    """Return how to read the mixes of token and rig; nothing where there is no token to mix."""
    return _paragraph(MIXES) if token else Markup("")


def show_laws(token: str | None) -> Markup:
    """Return how to read the table of laws; nothing where there is no token they are of."""
    return _paragraph(LAWS) if token else Markup("")


def show_record(token: str | None, *, network: str) -> Markup:
    """Return how to read the record of tokens, and whose record it is."""
    whose = (
        "What holding has done, from daily closes, beside the tokens of the other networks and "
        "Bitcoin."
        if token
        else f"There is no price of {network}'s token here, and so no record of it. For "
        "comparison, what holding the tokens of other networks and Bitcoin has done, from daily "
        "closes."
    )
    return _paragraph(f"{whose} {RECORD}")


def _paragraph(text: str) -> Markup:
    return Markup(f"<p>{escape(text)}</p>")
