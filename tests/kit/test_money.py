"""Yen are integers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.money import share_of, yen


@pytest.mark.parametrize(
    ("amount", "locale", "written"),
    [
        (1500, "ja", "1,500円"),
        (1500, "en", "¥1,500"),
        (0, "ja", "0円"),
        (9_999_999, "en", "¥9,999,999"),
        (-120, "ja", "-120円"),
    ],
)
def test_yen(amount: int, locale: str, written: str) -> None:
    assert yen(amount, locale) == written


@pytest.mark.parametrize(
    ("amount", "rate", "share"),
    [(1500, "0.036", 54), (200, "0.036", 7), (125, "0.036", 5), (1, "0.5", 1), (3, "0.5", 2), (0, "0.036", 0)],
)
def test_share_of_rounds_half_up(amount: int, rate: str, share: int) -> None:
    assert share_of(amount, Decimal(rate)) == share


@given(st.integers(0, 9_999_999), st.integers(0, 1000))
def test_share_of_is_exact_to_half_a_yen(amount: int, per_mille: int) -> None:
    share = share_of(amount, Decimal(per_mille) / 1000)
    assert abs(2000 * share - 2 * amount * per_mille) <= 1000
