"""Hooks that default to none: taxes on income and on kept tokens, and a loan for the rig."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy_financial
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.errors import UsageError
from research.models.rig import Loan, Policy, Rig, Taxes, Venue
from tests.rentals import (
    HOURS,
    N_MONTHS,
    amounts,
    books,
    loans,
    one_path,
    policies,
    rigs,
    taxes,
    venues,
    wild_paths,
)

CASH = Venue(payout="usd")
QUOTED = Venue(payout="usd-quoted")
KEEP = Policy(sell_share=0.0)
NET = HOURS * 0.4 - HOURS * 0.55 / 0.9 * 0.15 - 12  # USD a month of the rig at 0.40 USD an hour


# the annuity


@pytest.mark.parametrize("n_months", [1, 12, 36])
@pytest.mark.parametrize("rate", [0.04, 0.35])
def test_a_loan_is_the_annuity_of_numpy_financial(rate: float, n_months: int) -> None:
    loan = Loan(share_of_cost=0.5, rate_per_year=rate, n_months=n_months)
    monthly = (1 + rate) ** (1 / 12) - 1
    instalment = numpy_financial.pmt(monthly, n_months, -1)
    assert loan.payments(n_months)[:, 0] == pytest.approx(instalment)
    owed = loan.debt(n_months)[:, 0]
    left = n_months - np.arange(n_months + 1)
    assert owed == pytest.approx(-numpy_financial.pv(monthly, left, instalment), abs=1e-12)
    paid = np.arange(n_months + 1)
    assert owed == pytest.approx(numpy_financial.fv(monthly, paid, instalment, -1), abs=1e-12)


def test_a_loan_at_12_68_percent_over_a_year_costs_8_885_cents_a_month_on_the_dollar() -> None:
    # 1 % a month: 0.01 / (1 - 1.01^-12)
    loan = Loan(share_of_cost=1.0, rate_per_year=1.01**12 - 1, n_months=12)
    assert loan.payments(12)[:, 0] == pytest.approx(0.0888487887, abs=5e-11)
    assert loan.debt(12)[6, 0] == pytest.approx(0.0888487887 * (1 - 1.01**-6) / 0.01)


def test_an_interest_free_loan_is_paid_back_in_equal_parts() -> None:
    loan = Loan(share_of_cost=1.0, rate_per_year=0.0, n_months=4)
    assert loan.debt(6)[:, 0] == pytest.approx([1, 0.75, 0.5, 0.25, 0, 0, 0])
    assert loan.payments(6)[:, 0] == pytest.approx([0.25, 0.25, 0.25, 0.25, 0, 0])


@given(amounts(0, 1), st.integers(1, 60), st.integers(0, 40))
def test_a_debt_falls_from_the_dollar_to_nothing_and_stays_there(
    rate: float, n_months: int, more: int
) -> None:
    loan = Loan(share_of_cost=1.0, rate_per_year=rate, n_months=n_months)
    owed, paid = loan.debt(n_months + more)[:, 0], loan.payments(n_months + more)[:, 0]
    assert owed[0] == pytest.approx(1)
    assert (np.diff(owed)[:n_months] < 0).all()
    assert owed[n_months:] == pytest.approx(0, abs=1e-12)
    assert paid[n_months:] == pytest.approx(0, abs=1e-12)


# the loan on the books


@settings(max_examples=60, deadline=None)
@given(
    rigs,
    venues,
    policies,
    taxes,
    loans.filter(lambda loan: loan is not None),
    st.integers(0, 10_000),
)
def test_a_loan_at_what_cash_earns_changes_wealth_in_no_month(
    rig: Rig, venue: Venue, policy: Policy, taxes: Taxes, loan: Loan, seed: int
) -> None:
    with_loan, without = (
        books(
            rig,
            venue,
            wild_paths(seed),
            policy,
            cash_yield_per_year=loan.rate_per_year,
            taxes=taxes,
            loan=each,
        ).wealth_usd
        for each in (loan, None)
    )
    np.testing.assert_allclose(with_loan, without, atol=0.005)


def test_borrowed_money_starts_as_cash_and_as_debt(rig: Rig) -> None:
    loan = Loan(share_of_cost=0.75, rate_per_year=0.1, n_months=24)
    ledger = books(
        replace(rig, gpu_count=2), CASH, one_path(rate=[0.4]), capital_usd=1_500, loan=loan
    )
    assert ledger.debt_usd[0, 0] == pytest.approx(0.75 * 4_000)
    assert ledger.cash_usd[0, 0] == pytest.approx(1_500 + 3_000 - 4_000)
    assert ledger.wealth_usd[0, 0] == pytest.approx(500 + 2 * 1_260 - 3_000)
    assert ledger.held_usd[0, 0] == pytest.approx(500 + 2 * 1_400 - 3_000)


def test_a_loan_dearer_than_cash_costs_the_difference_of_the_two_rates(rig: Rig) -> None:
    # all of 2,000 USD for a year at 21 %, paid back at once at the end, while cash earns nothing
    loan = Loan(share_of_cost=1.0, rate_per_year=0.21, n_months=1)
    paths = one_path(rate=[0.4])
    gained = [books(rig, CASH, paths, loan=each).wealth_usd[-1, 0] for each in (None, loan)]
    assert gained[0] - gained[1] == pytest.approx(2_000 * (1.21 ** (1 / 12) - 1))


def test_a_loan_is_paid_on_when_the_rig_was_sold(rig: Rig) -> None:
    loan = Loan(share_of_cost=1.0, rate_per_year=0.0, n_months=10)
    ledger = books(rig, CASH, one_path(rate=[0.0] * 6), Policy(sell_rig=True), loan=loan)
    assert ledger.hardware_usd[3, 0] == 0
    assert ledger.loan_usd[:, 0] == pytest.approx([200] * 6)
    assert ledger.debt_usd[-1, 0] == pytest.approx(800)


# taxes


def test_income_is_taxed_less_the_depreciation_of_the_rig(rig: Rig) -> None:
    taxes = Taxes(income=0.3, depreciation_months=20)  # 2,000 USD / 20 = 100 USD a month
    ledger = books(rig, CASH, one_path(rate=[0.4, 0.2]), taxes=taxes)
    assert pytest.approx(213.2375) == NET
    assert ledger.tax_usd[:, 0] == pytest.approx([0.3 * (NET - 100), 0])  # 67.14 USD are no profit
    untaxed = books(rig, CASH, one_path(rate=[0.4, 0.2]))
    assert untaxed.wealth_usd[:, 0] - ledger.wealth_usd[:, 0] == pytest.approx(
        [0, 0.3 * (NET - 100), 0.3 * (NET - 100)]
    )


def test_depreciation_ends_when_the_rig_is_written_off(rig: Rig) -> None:
    taxes = Taxes(income=0.5, depreciation_months=10)  # 200 USD a month
    two = replace(rig, gpu_count=2, fixed_usd_per_month=24)  # 400 USD a month, of twice the income
    paths = one_path(rate=[0.4] * 13)
    for each, cards in ((rig, 1), (two, 2)):
        tax = books(each, CASH, paths, taxes=taxes).tax_usd[:, 0] / cards
        assert tax == pytest.approx([*[0.5 * (NET - 200)] * 10, *[0.5 * NET] * 3])


def test_a_loss_is_not_taxed_and_not_carried_forward(rig: Rig) -> None:
    ledger = books(rig, CASH, one_path(rate=[0.0, 0.4]), taxes=Taxes(income=0.3))
    assert ledger.tax_usd[:, 0] == pytest.approx([0, 0.3 * (NET - 2_000 / 36)])


def test_tokens_are_income_at_their_price_on_receipt_whether_sold_or_kept(rig: Rig) -> None:
    paths = one_path(rate=[0.4, 0.4], token=[1, 5, 0.1])
    sold, kept = (
        books(rig, QUOTED, paths, policy, taxes=Taxes(income=0.3)).tax_usd[:, 0]
        for policy in (Policy(), KEEP)
    )
    assert kept == pytest.approx(sold)
    assert kept == pytest.approx([0.3 * (NET - 2_000 / 36)] * 2)


def test_only_what_kept_tokens_gained_since_receipt_is_taxed_at_the_horizon(rig: Rig) -> None:
    # 292.20 USD of tokens come in at 2 and at 4 USD; at 6 USD they are worth 876.60 and 438.30
    paths = one_path(rate=[0.4, 0.4, 0.0], token=[1, 1, 2, 3])
    paid = HOURS * 0.4
    ledger = books(rig, QUOTED, paths, KEEP, taxes=Taxes(gains=0.25))
    gain = paid * (3 - 1) + paid * (1.5 - 1)
    assert ledger.tax_usd[:, 0] == pytest.approx([0, 0, 0.25 * gain])
    costly = replace(QUOTED, token_trade_cost=0.1)  # what a sale would cost is no gain
    ledger = books(rig, costly, paths, KEEP, taxes=Taxes(gains=0.25))
    assert ledger.tax_usd[-1, 0] == pytest.approx(0.25 * (paid * 4.5 * 0.9 - 2 * paid))


def test_tokens_that_fell_or_were_sold_at_once_owe_no_tax_on_gains(rig: Rig) -> None:
    taxes = Taxes(gains=0.25)
    fell = one_path(rate=[0.4, 0.4], token=[1, 1, 0.5])
    rose = one_path(rate=[0.4, 0.4], token=[1, 1, 2])
    assert (books(rig, QUOTED, fell, KEEP, taxes=taxes).tax_usd == 0).all()
    assert (books(rig, QUOTED, rose, taxes=taxes).tax_usd == 0).all()
    assert books(rig, QUOTED, rose, KEEP, taxes=taxes).tax_usd[-1, 0] > 0


def test_what_staking_added_is_a_gain(rig: Rig) -> None:
    paths = one_path(rate=[0.4, 0.4], token=1.0)
    policy = replace(KEEP, staking_yield_per_year=0.12)
    ledger = books(rig, QUOTED, paths, policy, taxes=Taxes(gains=0.25))
    gained = HOURS * 0.4 * (1.12 ** (1 / 12) - 1)  # of the first month's tokens, in the second
    assert ledger.tax_usd[:, 0] == pytest.approx([0, 0.25 * gained])


@settings(max_examples=40, deadline=None)
@given(rigs, venues, policies, loans, st.integers(0, 10_000))
def test_without_taxes_none_are_paid_and_a_rig_that_cost_nothing_depreciates_by_nothing(
    rig: Rig, venue: Venue, policy: Policy, loan: Loan | None, seed: int
) -> None:
    paths = wild_paths(seed)
    assert (books(rig, venue, paths, policy, loan=loan).tax_usd == 0).all()
    given_away = replace(rig, gpu_usd=0.0, host_usd=0.0)
    ledger = books(given_away, venue, paths, policy, loan=loan, taxes=Taxes(income=0.3))
    np.testing.assert_allclose(
        ledger.tax_usd,
        0.3 * np.maximum(np.broadcast_to(ledger.net_usd, (N_MONTHS, 4)), 0),
        atol=1e-9,
    )


def test_a_loan_and_a_depreciation_over_no_time_are_refused() -> None:
    with pytest.raises(UsageError, match="a loan over 0 months"):
        Loan(share_of_cost=0.5, rate_per_year=0.05, n_months=0)
    with pytest.raises(UsageError, match="depreciation over 0 months"):
        Taxes(income=0.3, depreciation_months=0)
