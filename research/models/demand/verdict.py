"""What may be said: three verdicts, each a grade and one sentence that gives its reason.

The rules are total and fixed: every combination of inputs has exactly one grade. `none` and
`untestable` are different answers: the first needs the power to have seen an effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from research.models.demand._shown import Shown

Grade = Literal["strong", "moderate", "weak", "none", "untestable"]
Question = Literal["co-movement", "prediction", "long run"]

MIN_WEEKS = 52
MIN_WEEKS_LONG_RUN = 100
RELEVANT = 0.35  # a correlation that would matter to an investor
SUGGESTIVE, CONVINCING = 0.10, 0.05  # q-values
LARGE = 0.30  # correlation of a moderate link
STABLE = 2 / 3  # share of rolling windows with the sign of the whole
CORRECTS_T = -2.0  # t-value of the price's error correction
CLEARLY_CORRECTS_T = -3.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict(Shown):
    """One of three answers about a network's demand and price."""

    question: Question
    grade: Grade
    reason: str  # one sentence
    nobs: int  # periods used
    effect: float | None = None  # correlation, -1 to 1; long run: % of price per 1 % of demand
    low: float | None = None  # 95 % interval, same unit
    high: float | None = None
    qvalue: float | None = None  # p-value corrected for the number of tests
    mde: float | None = None  # smallest correlation that would be seen in 80 % of samples
    lag: int = 0  # periods by which demand leads


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verdict about short-run association weighs."""

    demand_class: Literal["A", "B", "C"]
    nobs: int
    rho: float | None = None  # partial Spearman correlation of innovations
    low: float | None = None  # 95 % interval
    high: float | None = None
    qvalue: float | None = None
    mde: float | None = None
    same_sign_share: float | None = None  # of rolling windows
    halves: tuple[float, float] | None = None  # correlation in each half
    raw_rho: float | None = None  # without factor control
    clark_west_pvalue: float | None = None
    r2_out_of_sample: float | None = None
    price_corrects: bool = False  # cointegrated, and the price closes the gap
    is_latest_regime: bool = True
    lag: int = 0  # periods by which demand leads
    unit: str = "weeks"
    flagged: str | None = None  # why a loader doubts the data
    refused: str | None = None  # why the test could not be run at all


def judge(question: Question, evidence: Evidence) -> Verdict:
    """Grade a short-run association: co-movement, or prediction at a lag.

    Parameters
    ----------
    question : which the grade answers
    evidence : of one network
    """
    grade, reason = _graded(evidence)
    return Verdict(
        question=question,
        grade=grade,
        reason=reason,
        nobs=evidence.nobs,
        effect=evidence.rho,
        low=evidence.low,
        high=evidence.high,
        qvalue=evidence.qvalue,
        mde=evidence.mde,
        lag=evidence.lag,
    )


class _Measured(NamedTuple):
    """The figures without which nothing can be graded."""

    rho: float
    low: float
    high: float
    qvalue: float
    mde: float


def _graded(e: Evidence) -> tuple[Grade, str]:
    if (refusal := _unfit(e)) is not None:
        return "untestable", refusal
    found = [e.rho, e.low, e.high, e.qvalue, e.mde]
    numbers = [x for x in found if x is not None]
    if len(numbers) < len(found):
        return "untestable", "Not enough data: the association could not be estimated."
    m = _Measured(*numbers)
    if m.qvalue >= SUGGESTIVE:
        return _absent(e, m)
    effect = f"a rank correlation of {m.rho:+.2f} after the market's part is taken out"
    if doubts := _doubts(e, m):
        return "weak", f"There is {effect}, but {doubts[0]}."
    support = _support(e)
    if support is None:
        lacking = (
            "it has not clearly improved forecasts of the price"
            if e.is_latest_regime
            else "the network's latest rules are too new to be judged alone"
        )
        return "moderate", f"There is {effect}, stable over time; {lacking}."
    return "strong", f"There is {effect}, stable over time, and {support}."


def _unfit(e: Evidence) -> str | None:
    """Return why the data cannot be tested at all."""
    if e.demand_class == "C":
        return (
            "Mechanical: the figure of demand contains the token's price, so that the two are "
            "correlated by arithmetic."
        )
    if e.refused is not None:
        return f"Not enough data: {e.refused}."
    if e.nobs < MIN_WEEKS:
        return f"Not enough data: {e.nobs} {e.unit}, {MIN_WEEKS} needed."
    return None if e.flagged is None else f"The data are doubtful: {e.flagged}."


def _absent(e: Evidence, m: _Measured) -> tuple[Grade, str]:
    """Tell "no link" from "cannot tell"."""
    if m.mde > RELEVANT:
        return "untestable", (
            f"Cannot tell: {e.nobs} {e.unit} would only show a correlation of {m.mde:.2f} or "
            f"more, and {RELEVANT} would already matter."
        )
    if m.low <= -RELEVANT or m.high >= RELEVANT:
        return "untestable", (
            f"Cannot tell: the interval from {m.low:+.2f} to {m.high:+.2f} still contains "
            f"correlations that would matter ({RELEVANT})."
        )
    return "none", (
        f"There is no association that would matter: {e.nobs} {e.unit} would show a correlation "
        f"of {m.mde:.2f} or more in four of five samples."
    )


def _doubts(e: Evidence, m: _Measured) -> list[str]:
    """Return why an association is not more than weak, the gravest first."""
    doubts = []
    if m.qvalue >= CONVINCING:
        doubts.append(
            f"chance alone would show as much with a probability of {100 * m.qvalue:.0f} %"
        )
    if abs(m.rho) < LARGE:
        doubts.append(f"it is smaller than {LARGE:.2f}")
    if e.same_sign_share is None or e.same_sign_share < STABLE:
        doubts.append("its sign changes over time")
    if e.halves is None or any(half * m.rho <= 0 for half in e.halves):
        doubts.append("the two halves of the sample disagree about its sign")
    if e.raw_rho is None or e.raw_rho * m.rho <= 0:
        doubts.append("it has the other sign before the market's part is taken out")
    return doubts


def _support(e: Evidence) -> str | None:
    """Return what makes a moderate association strong."""
    if not e.is_latest_regime:
        return None
    if (
        e.clark_west_pvalue is not None
        and e.r2_out_of_sample is not None
        and e.clark_west_pvalue < CONVINCING
        and e.r2_out_of_sample > 0
    ):
        return "demand has improved forecasts of the price"
    return "in the long run the price follows demand" if e.price_corrects else None


def judge_long_run(
    *,
    demand_class: Literal["A", "B", "C"],
    nobs: int,
    cointegrated: bool = False,
    n_agreeing: int = 0,
    beta: float | None = None,
    beta_std_error: float | None = None,
    alpha_price_t: float | None = None,
    alpha_demand_t: float | None = None,
    short_run_qvalue: float | None = None,
    refused: str | None = None,
    is_latest_regime: bool = True,
    unit: str = "weeks",
) -> Verdict:
    """Grade whether the levels keep together, and by whose adjustment.

    Weak: two of three tests find a common trend. Moderate: all three, the price closes the gap,
    and there is an association in the short run as well (q below 0.05), because these tests alone
    find trends too often. Strong: and in the latest regime, with an adjustment clear of chance
    (t below -3). None: fewer than two find a trend in 115 weeks or more.

    Parameters
    ----------
    n_agreeing : of the three tests, how many find a common trend at 5 %
    alpha_price_t, alpha_demand_t : t-values of each one's adjustment to the gap
    short_run_qvalue : the smaller of co-movement's and prediction's
    refused : why the tests were not run
    """
    grade: Grade
    low = high = None
    if beta is not None and beta_std_error is not None:
        low, high = beta - 1.96 * beta_std_error, beta + 1.96 * beta_std_error
    if demand_class == "C":
        grade, reason = "untestable", "Mechanical: the figure of demand contains the price."
    elif refused is not None:
        grade, reason = "untestable", f"Not enough data: {refused}."
    elif not cointegrated:
        enough = nobs >= ENOUGH_WEEKS_FOR_NONE
        grade = "none" if enough else "untestable"
        reason = f"{n_agreeing} of 3 tests find a common trend of price and demand" + (
            "." if enough else f", and {nobs} {unit} are too few to exclude one."
        )
    else:
        price_corrects = alpha_price_t is not None and alpha_price_t < CORRECTS_T
        supply_adjusts = alpha_demand_t is not None and abs(alpha_demand_t) > -CORRECTS_T
        confirmed = short_run_qvalue is not None and short_run_qvalue < CONVINCING
        if price_corrects and n_agreeing == N_TESTS and confirmed:
            is_clear = alpha_price_t is not None and alpha_price_t < CLEARLY_CORRECTS_T
            grade = "strong" if is_clear and is_latest_regime else "moderate"
            reason = "Price and demand share a trend, and the price closes the gap between them."
        else:
            grade = "weak"
            if price_corrects:
                detail = (
                    "such trends are often found by chance, and the short run does not show it."
                )
            elif supply_adjusts:
                detail = "it is demand that follows the price."
            else:
                detail = "which of the two follows the other cannot be told."
            reason = f"Price and demand share a trend, but {detail}"
    return Verdict(
        question="long run", grade=grade, reason=reason, nobs=nobs, effect=beta, low=low, high=high
    )


N_TESTS = 3  # Engle-Granger, Johansen, bounds
ENOUGH_WEEKS_FOR_NONE = 115  # from which on a relevant correlation would be seen
