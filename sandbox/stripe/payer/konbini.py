"""Konbini vouchers: codes for four chains, deadline, and test mode's outcomes.

Source of the table: https://docs.stripe.com/payments/konbini/accept-a-payment
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox import config
from sandbox.stripe import clock, ids
from sandbox.stripe.store import Json

CHAINS = ("familymart", "lawson", "ministop", "seicomart")
DEFAULT_DAYS = 3
REJECTED_NUMBER = "01234567890"
_DELAY_SECONDS = 180


@dataclass(frozen=True)
class TestOutcome:
    """What test mode does, after `delay` seconds, to a voucher with this e-mail ending or confirmation number."""

    ending: str
    number: str
    action: str
    delay: int


_ORDINARY = TestOutcome("", "11111111110", "pay_voucher", _DELAY_SECONDS)
_OUTCOMES = (
    _ORDINARY,
    TestOutcome("succeed_immediately", "22222222220", "pay_voucher", 0),
    TestOutcome("expire_immediately", "33333333330", "expire_voucher", 0),
    TestOutcome("expire_with_delay", "44444444440", "expire_voucher", _DELAY_SECONDS),
    TestOutcome("fill_never", "55555555550", "", 0),
)


def outcome(email: str, phone: str, ordinary: str) -> TestOutcome | None:
    """Give the test outcome; a number of the table wins over the e-mail.

    At Stripe an ordinary address pays after three minutes. `ordinary` (the switch `ordinary_voucher`) may say
    that it waits for the control page instead: None.
    """
    number = digits(phone)
    for one in _OUTCOMES:
        if one.number == number:
            return one
    name = email.partition("@")[0]
    found = next((one for one in _OUTCOMES if one.ending and name.endswith(one.ending)), None)
    return found or (_ORDINARY if ordinary == "pays_after_3_minutes" else None)


def bad_phone(phone: str) -> bool:
    """Tell whether Stripe would refuse this confirmation number (empty is fine: it makes a random one)."""
    number = digits(phone)
    return bool(phone) and (
        not re.fullmatch(r"[0-9]{10,11}", number) or number == REJECTED_NUMBER or not number.strip("0")
    )


def digits(phone: str) -> str:
    """Strip a phone number to its digits."""
    return re.sub(r"[ ()-]", "", phone)


def next_action(intent_id: str, days: int, phone: str) -> Json:
    """Give the PaymentIntent's `next_action` with the voucher."""
    number = digits(phone) or ids.digits(11)
    codes = {chain: {"confirmation_number": number, "payment_code": ids.digits(6)} for chain in CHAINS}
    return {
        "type": "konbini_display_details",
        "konbini_display_details": {
            "expires_at": clock.end_of_day_jst(clock.now(), days),
            "hosted_voucher_url": f"{config.load().stripe_url}/voucher/{intent_id}",
            "stores": codes,
        },
    }
