"""Test cards: what Stripe's test mode does with each number (https://docs.stripe.com/testing)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sandbox.stripe import clock
from sandbox.stripe.store import Json

GOOD = "4242424242424242"
PAYER_NAME = "山田 太郎"
_BRANDS = {"4": "visa", "5": "mastercard", "35": "jcb", "37": "amex"}
# Stripe's words to the API; `card_declined` is the error code of what is not listed in _OWN_CODES.
_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
}
_OWN_CODES = {"expired_card", "incorrect_cvc", "processing_error"}


@dataclass(frozen=True)
class TestCard:
    """What happens to a number: `decline` is a decline code, `dispute` the reason of a dispute that follows.

    `three_d_secure` is how the card stands to it: required, supported (asked only when the session requests it),
    unenrolled (never asked), not_supported. `lookup_fails`: asking the bank ends in a processing error.
    """

    decline: str = ""
    three_d_secure: str = "unenrolled"
    lookup_fails: bool = False
    dispute: str = ""

    @property
    def summary(self) -> str:
        """Say in a few words what the number does."""
        secure = f"3-D Secure {self.three_d_secure}" if self.three_d_secure != "unenrolled" else ""
        dispute = f"dispute: {self.dispute}" if self.dispute else ""
        lookup = "lookup fails" if self.lookup_fails else ""
        return ", ".join(text for text in (secure, lookup, self.decline, dispute) if text)


_ORDINARY = TestCard()
TEST_CARDS = {
    "4000000000000002": TestCard("generic_decline"),
    "4000000000009995": TestCard("insufficient_funds"),
    "4000000000009987": TestCard("lost_card"),
    "4000000000009979": TestCard("stolen_card"),
    "4000000000000069": TestCard("expired_card"),
    "4000000000000127": TestCard("incorrect_cvc"),
    "4000000000000119": TestCard("processing_error"),
    "4000000000006975": TestCard("card_velocity_exceeded"),
    "4000000000000341": TestCard("generic_decline"),
    "4100000000000019": TestCard("fraudulent"),
    "4000002500003155": TestCard(three_d_secure="required"),
    "4000002760003184": TestCard(three_d_secure="required"),
    "4000003800000446": TestCard(three_d_secure="required"),
    "4000000000003220": TestCard(three_d_secure="required"),
    "4000008260003178": TestCard("insufficient_funds", three_d_secure="required"),
    "4000008400001629": TestCard("generic_decline", three_d_secure="required"),
    "4000008400001280": TestCard("generic_decline", three_d_secure="required", lookup_fails=True),
    "4000000000003055": TestCard(three_d_secure="supported"),
    "4000000000003097": TestCard(three_d_secure="supported", lookup_fails=True),
    "378282246310005": TestCard(three_d_secure="not_supported"),
    "371449635398431": TestCard(three_d_secure="not_supported"),
    "4000000000000259": TestCard(dispute="fraudulent"),
    "4000000000002685": TestCard(dispute="product_not_received"),
}


@dataclass(frozen=True)
class Card:
    """A card whose form is right; the bank may still decline it. A wallet's card names its `wallet`."""

    number: str
    month: int
    year: int
    wallet: str = ""

    @property
    def test(self) -> TestCard:
        """Give what Stripe's test mode does with the number."""
        return TEST_CARDS.get(self.number, _ORDINARY)

    @property
    def decline(self) -> Json | None:
        """Say why the bank declines (`code`, `decline_code`, `message`, `type`), or None."""
        reason = self.test.decline
        if not reason:
            return None
        error = {"type": "card_error", "message": _MESSAGES.get(reason, "Your card was declined.")}
        return error | ({"code": reason} if reason in _OWN_CODES else {"code": "card_declined", "decline_code": reason})

    def is_challenged(self, request: str) -> bool:
        """Tell whether the bank asks the payer; `request` is the session's `request_three_d_secure`."""
        state = self.test.three_d_secure
        asked = state == "required" or (state == "supported" and request in ("any", "challenge"))
        return asked and not self.test.lookup_fails and not self.wallet

    def three_d_secure(self, request: str, *, challenged: bool) -> Json | None:
        """Give the charge's `three_d_secure`: null where it was not tried.

        Inferred from the SDK's descriptions of the fields: an unenrolled card that was asked for gives
        `attempt_acknowledged`, one without 3-D Secure `not_supported`, a failed lookup `processing_error`.
        """
        test = self.test
        if self.wallet or (request not in ("any", "challenge") and test.three_d_secure != "required"):
            return None
        result, indicator = "attempt_acknowledged", "06"
        reason: str | None = "card_not_enrolled"
        if challenged:
            result, reason, indicator = "authenticated", None, "05"
        elif test.lookup_fails:
            result, reason, indicator = "processing_error", "protocol_error", "07"
        elif test.three_d_secure == "not_supported":
            result, reason, indicator = "not_supported", "network_not_supported", "07"
        return {
            "authentication_flow": "challenge" if challenged else None,
            "electronic_commerce_indicator": indicator,
            "exemption_indicator": None,
            "exemption_indicator_applied": None,
            "result": result,
            "result_reason": reason,
            "transaction_id": str(uuid4()),
            "version": "2.2.0",
        }

    def method_details(self, three_d_secure: Json | None) -> Json:
        """Give the charge's `payment_method_details`."""
        brand = next((name for prefix, name in _BRANDS.items() if self.number.startswith(prefix)), "unknown")
        wallet = {"type": self.wallet, "dynamic_last4": self.number[-4:], self.wallet: {}} if self.wallet else None
        return {
            "type": "card",
            "card": {
                "amount_authorized": None,
                "authorization_code": None,
                "brand": brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": None if wallet else "pass",
                },
                "country": "JP",
                "exp_month": self.month,
                "exp_year": self.year,
                "funding": "credit",
                "installments": None,
                "last4": self.number[-4:],
                "mandate": None,
                "network": brand,
                "three_d_secure": three_d_secure,
                "wallet": wallet,
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


def of_wallet(wallet: str) -> Card:
    """Give the card that a wallet holds: it pays, and the bank asks nothing."""
    return Card(GOOD, 12, datetime.fromtimestamp(clock.now(), clock.JST).year + 4, wallet)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004  (digit sum)
