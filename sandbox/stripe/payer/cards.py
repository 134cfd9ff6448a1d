"""Test cards: numbers, checks and declines as Stripe's test mode has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sandbox.stripe import clock
from sandbox.stripe.store import Json

GOOD = "4242424242424242"
_BRANDS = {"4": "visa", "5": "mastercard", "35": "jcb", "37": "amex"}
DECLINES: dict[str, Json] = {
    "4000000000000002": {"code": "card_declined", "decline_code": "generic_decline"},
    "4000000000009995": {"code": "card_declined", "decline_code": "insufficient_funds"},
    "4000000000000069": {"code": "expired_card"},
    "4000000000000127": {"code": "incorrect_cvc"},
}
_MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
}


@dataclass(frozen=True)
class Card:
    """A card whose form is right; the bank may still decline it."""

    number: str
    month: int
    year: int

    @property
    def decline(self) -> Json | None:
        """Say why the bank declines (`code`, `decline_code`, `message`, `type`), or None."""
        reason = DECLINES.get(self.number)
        if reason is None:
            return None
        message = _MESSAGES[reason.get("decline_code") or reason["code"]]
        return {"type": "card_error", "message": message, **reason}

    @property
    def method_details(self) -> Json:
        """Give the charge's `payment_method_details`."""
        brand = next((name for prefix, name in _BRANDS.items() if self.number.startswith(prefix)), "unknown")
        return {
            "type": "card",
            "card": {
                "brand": brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "pass",
                },
                "country": "JP",
                "exp_month": self.month,
                "exp_year": self.year,
                "funding": "credit",
                "installments": None,
                "last4": self.number[-4:],
                "network": brand,
                "three_d_secure": None,
                "wallet": None,
            },
        }


def read(number: str, expiry: str, cvc: str) -> Card | str:
    """Read what the payer typed: a Card, or the name of the field that is wrong."""
    digits = re.sub(r"[ -]", "", number)
    if not re.fullmatch(r"[0-9]{13,19}", digits) or not _luhn(digits):
        return "card_number"
    match = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(?:20)?(\d{2})\s*", expiry)
    if not match or not 1 <= int(match[1]) <= 12:  # noqa: PLR2004  (months)
        return "card_expiry"
    month, year = int(match[1]), 2000 + int(match[2])
    today = datetime.fromtimestamp(clock.now(), clock.JST)
    if (year, month) < (today.year, today.month):
        return "card_expiry"
    if not re.fullmatch(r"[0-9]{3,4}", cvc.strip()):
        return "card_cvc"
    return Card(digits, month, year)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004  (digit sum)
