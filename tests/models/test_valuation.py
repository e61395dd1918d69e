"""Published examples and identities of the valuation measures."""

from __future__ import annotations

import pytest

from research.errors import DataError
from research.models import valuation as v


def test_the_published_example_of_burn_and_mint_is_reproduced() -> None:
    up = v.settle(1000, paid_at_usd=1.14, settled_at_usd=1.50)
    down = v.settle(1000, paid_at_usd=1.14, settled_at_usd=0.90)
    assert up.burned_tokens == pytest.approx(877.192982, abs=1e-6)
    assert up.net_tokens == pytest.approx(-210.526316, abs=1e-6)
    assert down.net_tokens == pytest.approx(233.918129, abs=1e-6)


def test_the_published_rewards_of_render_are_reproduced() -> None:
    assert v.weekly_reward_tokens(10, multiplier=1.8098, hours=100) == pytest.approx(
        10.7726, abs=1e-4
    )
    assert v.weekly_reward_tokens(25, multiplier=5, hours=100) == pytest.approx(74.4048, abs=1e-4)


def test_the_legacy_emission_of_io_net_nears_its_cap() -> None:
    first = 300e6 * 0.0102 / (1 - (1 - 0.0102) ** 240)
    assert v.emission_schedule_tokens(first, 0.0102, 240) == pytest.approx(300e6)
    assert v.emission_schedule_tokens(5, 0, 12) == 60


def test_at_the_equilibrium_price_an_epoch_burns_what_it_mints() -> None:
    price = v.equilibrium_price(50_000, 20_000)
    assert 0.95 * 50_000 / price == pytest.approx(20_000)


def test_the_price_follows_from_velocity_and_supply() -> None:
    turns = v.velocity(3e6, 0.6, 250e6)
    assert 3e6 / (turns * 250e6) == pytest.approx(0.6)


def test_multiples_annualise_what_they_divide_by() -> None:
    assert v.price_to_fees(365e6, 30e6) == pytest.approx(1.0)
    assert v.network_value_to_transactions(365e6, 1e6) == pytest.approx(1.0)
    assert v.vault_ratio(90, 1.0, 100) == pytest.approx(0.9)
    assert v.issuance_coverage(30, 100) == pytest.approx(0.3)


def test_an_hour_that_fails_one_time_in_five_is_discounted_less() -> None:
    assert v.cloud_discount(2.44, 7.43) == pytest.approx(1 - 2.44 / 7.43)
    assert v.cloud_discount(2.44, 7.43, availability=0.8) == pytest.approx(1 - 3.05 / 7.43)


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan")])
def test_what_has_no_meaning_is_refused(wrong: float) -> None:
    with pytest.raises(DataError, match="no meaning"):
        v.price_to_fees(1e6, wrong)
