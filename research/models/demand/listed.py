"""Every test of a report as one list, so that all are corrected together."""

from __future__ import annotations

from collections.abc import Sequence

from research.models.demand.association import Association
from research.models.demand.causality import Granger
from research.models.demand.elasticity import Elasticity
from research.models.demand.events import EventStudy
from research.models.demand.forecast import OutOfSample
from research.models.demand.lead_lag import LeadLag
from research.models.demand.long_run import LongRun
from research.models.demand.multiplicity import Test


def tests_of(
    partial: Association | None,
    raw: Association | None,
    leads: LeadLag | None,
    causality: Sequence[Granger],
    lasting: LongRun | None,
    forecast: OutOfSample | None,
    studies: Sequence[EventStudy],
    beta: Elasticity | None,
) -> list[Test]:
    """Return every test of the report; only the first was declared beforehand."""
    tests = []
    for association, what in ((partial, "partial"), (raw, "raw")):
        if association is None:
            continue
        for each in (association.spearman, association.pearson, association.kendall):
            if each.pvalue is not None:
                tests.append(  # noqa: PERF401 - a loop of three reads better
                    Test(
                        question="co-movement", name=f"{each.kind} correlation, {what}",
                        effect=each.rho, low=each.low, high=each.high, unit="correlation",
                        nobs=each.nobs, pvalue=each.pvalue,
                        primary=what == "partial" and each.kind == "spearman",
                    )
                )  # fmt: skip
    if beta is not None:
        tests.append(
            Test(question="elasticity", name=f"price on demand {beta.lag} before",
                 effect=beta.beta, low=beta.low, high=beta.high, unit="% per 1 %",
                 nobs=beta.nobs, pvalue=beta.pvalue)
        )  # fmt: skip
    if leads is not None:
        tests += [
            Test(question="lead and lag", name=lead_name(int(str(lag))), effect=row.rho,
                 low=row.low, high=row.high, unit="correlation", nobs=int(row.nobs),
                 pvalue=row.pvalue)
            for lag, row in leads.table.iterrows() if lag != 0
        ]  # fmt: skip
    tests += [
        Test(question="Granger", name=f"{x.cause} before {x.effect}, {x.method}",
             effect=x.sum_effect, low=x.sum_effect - 1.96 * x.sum_std_error,
             high=x.sum_effect + 1.96 * x.sum_std_error, unit="sum of coefficients",
             nobs=x.nobs, pvalue=x.pvalue)
        for x in causality
    ]  # fmt: skip
    if lasting is not None:
        tests += [
            Test(question="long run", name=f"Engle-Granger, {name} explained", effect=None,
                 low=None, high=None, unit="", nobs=lasting.nobs, pvalue=pvalue)
            for name, pvalue in (("price", lasting.engle_granger_price_pvalue),
                                 ("demand", lasting.engle_granger_demand_pvalue))
        ]  # fmt: skip
    if forecast is not None:
        tests.append(
            Test(question="forecast", name="Clark-West against the mean", effect=forecast.r2_mean,
                 low=None, high=None, unit="R2 out of sample", nobs=forecast.nobs,
                 pvalue=forecast.clark_west_pvalue)
        )  # fmt: skip
    tests += [
        Test(question="event", name=f"{x.event} ({x.date})", effect=x.car, low=x.low, high=x.high,
             unit="log points", nobs=x.estimation_nobs, pvalue=x.pvalue)
        for x in studies
    ]  # fmt: skip
    return tests


def lead_name(lag: int) -> str:
    """Return the name of the test at a lag, for the table."""
    return f"demand leads by {lag}" if lag > 0 else f"price leads by {-lag}"
