"""The bank account that a konbini payer names for a refund, and what the bank then does.

Stripe's payout tests in Japan know bank and branch 1100-000 with account numbers that fail
(https://docs.stripe.com/connect/testing); which outcome each has for a konbini refund is not known. The table
below is ours: after PAYOUT_SECONDS a closed or unknown account sends the refund back to the payer, one that may
not be debited fails it, a wrong currency leaves it pending, and every other account gets its money.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.stripe import clock, timers
from sandbox.stripe.objects import refund as refunds
from sandbox.stripe.store import Json, Tx

PAYOUT_SECONDS = 3 * 24 * 3600
TEST_BANK = ("1100", "000")
# Account number at TEST_BANK -> the action of scheduler.ACTIONS, "" for none. Ours, see above.
TEST_ACCOUNTS = {
    "1111116": "return_refund",  # no_account
    "1111113": "return_refund",  # account_closed
    "3333335": "refuse_refund",  # debit_not_authorized
    "4444440": "",  # invalid_currency
}


@dataclass(frozen=True)
class Field:
    """One field of the form: what is right in it, and how long it is."""

    name: str
    right: str
    length: int


FIELDS = (
    Field("bank_code", r"[0-9]{4}", 4),
    Field("branch_code", r"[0-9]{3}", 3),
    Field("account_number", r"[0-9]{7}", 7),
    Field("account_holder", r"[ァ-ヶー・A-Za-z0-9().\-\s]{1,48}", 48),
)


def wrong(typed: Mapping[str, str]) -> list[str]:
    """Give the names of the fields that are not filled in rightly."""
    return [field.name for field in FIELDS if not re.fullmatch(field.right, typed.get(field.name, ""))]


def find(tx: Tx, refund_id: str) -> Json:
    """Give the refund or raise NotFoundError."""
    return tx.need(refund_id, "refund", "refund")


def give_account(tx: Tx, refund_id: str, typed: Mapping[str, str]) -> Json:
    """Take the payer's account (fields of FIELDS): the refund is pending until the bank answers.

    Raises StateError when the refund does not wait for an account.
    """
    refund = refunds.settle(tx, refund_id, "pending")
    timers.cancel(tx, refund_id, *ANSWERS)
    test = (typed["bank_code"], typed["branch_code"]) == TEST_BANK
    action = TEST_ACCOUNTS.get(typed["account_number"], "pay_refund") if test else "pay_refund"
    if action:
        timers.schedule(tx, action, refund_id, clock.now() + PAYOUT_SECONDS)
    return refund


def _give_back(tx: Tx, refund_id: str) -> None:
    refund = refunds.settle(tx, refund_id, "requires_action")
    refund["_sandbox"] = refund.get("_sandbox", {}) | {"returned": True}
    tx.save(refund)


# What the bank does to a pending refund; names of scheduler.ACTIONS.
ANSWERS: dict[str, Callable[[Tx, str], object]] = {
    "pay_refund": lambda tx, refund_id: refunds.settle(tx, refund_id, "succeeded"),
    "return_refund": _give_back,
    "refuse_refund": lambda tx, refund_id: refunds.settle(tx, refund_id, "failed"),
}
