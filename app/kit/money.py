"""Yen are integers, everywhere. Japan's currency has no smaller unit (Stripe: zero-decimal currency)."""

from decimal import ROUND_HALF_UP, Decimal


def yen(amount: int, locale: str = "ja") -> str:
    """Write an amount for people: `1,500円` in Japanese, `¥1,500` in English."""
    return f"{amount:,}円" if locale == "ja" else f"¥{amount:,}"


def share_of(amount: int, rate: Decimal) -> int:
    """Return a share of an amount in whole yen, half a yen rounded up."""
    return int((rate * amount).to_integral_value(ROUND_HALF_UP))
