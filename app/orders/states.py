"""The lives of an order, a payment and a refund, as tables.

Every (state, event) has an answer: the next state, IGNORED (nothing to do: it happened before, or no longer
matters), or the name of an anomaly that staff must see. `tests/orders/test_states.py` walks all of them.

An order has two lives that meet at the end: `state` is the work on the file, `money` is the payment. They are kept
apart because they run in either order (`charge = "before_analysis"` pays first); see docs/decisions/001.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Anomaly:
    """Something that must not happen but does: nothing moves, staff are told."""

    name: str


@dataclass(frozen=True)
class Ignored:
    """The event changes nothing in this state."""


IGNORED = Ignored()
Outcome = str | Ignored | Anomaly
Table = Mapping[str, Mapping[str, Outcome]]

DOUBLE = Anomaly("double_payment")
LATE = Anomaly("paid_but_no_result")

# The work: waiting -> uploaded -> analysing -> analysed -> delivered
WORK: Table = {
    "waiting": {
        "uploaded": "uploaded",
        "started": IGNORED,
        "analysed": IGNORED,
        "rejected": "rejected",
        "failed": IGNORED,
        "delivered": IGNORED,
        "abandoned": "abandoned",
    },
    "uploaded": {
        "uploaded": IGNORED,
        "started": "analysing",
        "analysed": IGNORED,
        "rejected": "rejected",
        "failed": "failed",
        "delivered": IGNORED,
        "abandoned": IGNORED,
    },
    "analysing": {
        "uploaded": IGNORED,
        "started": IGNORED,
        "analysed": "analysed",
        "rejected": "rejected",
        "failed": "failed",
        "delivered": IGNORED,
        "abandoned": IGNORED,
    },
    "analysed": {
        "uploaded": IGNORED,
        "started": IGNORED,
        "analysed": IGNORED,
        "rejected": IGNORED,
        "failed": IGNORED,
        "delivered": "delivered",
        "abandoned": IGNORED,
    },
    "delivered": {
        "uploaded": IGNORED,
        "started": IGNORED,
        "analysed": IGNORED,
        "rejected": IGNORED,
        "failed": IGNORED,
        "delivered": IGNORED,
        "abandoned": IGNORED,
    },
    "rejected": {
        "uploaded": IGNORED,
        "started": IGNORED,
        "analysed": IGNORED,
        "rejected": IGNORED,
        "failed": IGNORED,
        "delivered": IGNORED,
        "abandoned": IGNORED,
    },
    "failed": {
        "uploaded": IGNORED,
        "started": "analysing",
        "analysed": IGNORED,
        "rejected": IGNORED,
        "failed": IGNORED,
        "delivered": IGNORED,
        "abandoned": IGNORED,
    },
    "abandoned": {
        "uploaded": IGNORED,
        "started": IGNORED,
        "analysed": IGNORED,
        "rejected": IGNORED,
        "failed": IGNORED,
        "delivered": IGNORED,
        "abandoned": IGNORED,
    },
}

# The money of the order: one payment pays it; a second one is an anomaly, never a second delivery.
MONEY: Table = {
    "unpaid": {"paid": "paid", "partly_refunded": IGNORED, "refunded": IGNORED, "refund_failed": IGNORED},
    "paid": {
        "paid": DOUBLE,
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
        "refund_failed": IGNORED,
    },
    "partly_refunded": {
        "paid": DOUBLE,
        "partly_refunded": IGNORED,
        "refunded": "refunded",
        "refund_failed": "paid",
    },
    "refunded": {
        "paid": DOUBLE,
        "partly_refunded": "partly_refunded",  # one of two refunds failed later (konbini: up to 45 days)
        "refunded": IGNORED,
        "refund_failed": "paid",
    },
}

# One attempt to pay. The events are what a re-read Checkout Session shows, never what a webhook says.
PAYMENT: Table = {
    "creating": {
        "opened": "open",
        "gave_up": "abandoned",
        "voucher_issued": "awaiting",
        "paid": "paid",
        "expired": "expired",
        "failed": "failed",
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    "open": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": "awaiting",
        "paid": "paid",
        "expired": "expired",
        "failed": "failed",
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    "awaiting": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": IGNORED,
        "paid": "paid",
        "expired": "expired",
        "failed": "failed",
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    # Money beats every ending: a slip printed before the deadline can still be paid at the till (Stripe, konbini).
    "expired": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": "awaiting",
        "paid": "paid",
        "expired": IGNORED,
        "failed": "failed",
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    "failed": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": IGNORED,
        "paid": "paid",
        "expired": IGNORED,
        "failed": IGNORED,
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    "abandoned": {
        "opened": "open",
        "gave_up": IGNORED,
        "voucher_issued": "awaiting",
        "paid": "paid",
        "expired": "expired",
        "failed": "failed",
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    "paid": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": IGNORED,
        "paid": IGNORED,
        "expired": IGNORED,
        "failed": IGNORED,
        "partly_refunded": "partly_refunded",
        "refunded": "refunded",
    },
    "partly_refunded": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": IGNORED,
        "paid": "paid",  # the refund failed: the money is ours again
        "expired": IGNORED,
        "failed": IGNORED,
        "partly_refunded": IGNORED,
        "refunded": "refunded",
    },
    "refunded": {
        "opened": IGNORED,
        "gave_up": IGNORED,
        "voucher_issued": IGNORED,
        "paid": "paid",
        "expired": IGNORED,
        "failed": IGNORED,
        "partly_refunded": "partly_refunded",
        "refunded": IGNORED,
    },
}

# A refund, in Stripe's own words for its status; a failed one can't come back.
REFUND: Table = {
    "requires_action": {
        "requires_action": IGNORED,
        "pending": "pending",
        "succeeded": "succeeded",
        "failed": "failed",
        "canceled": "canceled",
    },
    "pending": {
        "requires_action": "requires_action",  # the bank account was wrong: Stripe asks again
        "pending": IGNORED,
        "succeeded": "succeeded",
        "failed": "failed",
        "canceled": "canceled",
    },
    "succeeded": {
        "requires_action": IGNORED,
        "pending": IGNORED,
        "succeeded": IGNORED,
        "failed": "failed",  # the bank sent the money back
        "canceled": IGNORED,
    },
    "failed": {
        "requires_action": IGNORED,
        "pending": IGNORED,
        "succeeded": IGNORED,
        "failed": IGNORED,
        "canceled": IGNORED,
    },
    "canceled": {
        "requires_action": IGNORED,
        "pending": IGNORED,
        "succeeded": IGNORED,
        "failed": IGNORED,
        "canceled": IGNORED,
    },
}


def sources(table: Table, event: str) -> dict[str, list[str]]:
    """Return, for an event, each next state with the states that lead to it: the rows of a conditional UPDATE."""
    moves: dict[str, list[str]] = {}
    for state, answers in table.items():
        outcome = answers[event]
        if isinstance(outcome, str):
            moves.setdefault(outcome, []).append(state)
    return moves


def anomaly(table: Table, state: str, event: str) -> str | None:
    """Return the name of the anomaly that an event is in a state, or None."""
    outcome = table[state][event]
    return outcome.name if isinstance(outcome, Anomaly) else None
