"""The lives of an order, a payment, a refund and a request for one, as tables.

Every (state, event) has an answer: the next state, or IGNORED (nothing to do: it happened before, or no longer
matters). `tests/orders/test_states.py` walks all of them. What staff must look at is not a state: it follows from the
states of an order's payments (`app.checkout.balance`).

An order has two lives that meet at the end: `state` is the work on the file, `money` is the payment. They are kept
apart because they run in either order (`charge = "before_analysis"` pays first); see docs/decisions/001.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ignored:
    """The event changes nothing in this state."""


IGNORED = Ignored()
Outcome = str | Ignored
Table = Mapping[str, Mapping[str, Outcome]]

PAID = ("paid", "partly_refunded")
"""Of an order: its result is the customer's. Of a payment: we hold its money."""

RETURNED = ("failed", "canceled")
"""Ends of a refund after which the money is ours again. In every other state a refund counts, from its first moment:
money on its way back closes the downloads, though a konbini refund may wait weeks for the customer's bank account."""

DISPUTE_OVER = ("won", "lost", "warning_closed", "prevented")
"""Stripe's words for a dispute that is decided; any other one is still open (stripe-python, Dispute.status)."""

DISPUTE_HELD = ("needs_response", "under_review")
"""Stages of a dispute in which the bank has taken the money and nobody has decided yet; an inquiry takes none."""

DISPUTE_LOST = ("lost", "appeal_needs_response", "appeal_under_review")
"""Stages of a dispute in which the bank has the money for good, unless an appeal is won."""


def _table(events: str, states: Mapping[str, Mapping[str, Outcome]]) -> Table:
    """Complete a table: what a state does not answer otherwise is IGNORED. A misspelt event stops the start."""
    unknown = {event for moves in states.values() for event in moves} - set(events.split())
    if unknown:
        raise ValueError(f"no such event: {unknown}")
    return {state: {event: moves.get(event, IGNORED) for event in events.split()} for state, moves in states.items()}


# The work: waiting -> uploaded -> analysing -> analysed -> delivered. Staff stop an analysis, and put one that came to
# nothing back into the line ("retried"), with the same frozen file.
WORK = _table(
    "uploaded started analysed rejected failed cancelled retried delivered abandoned",
    {
        "waiting": {"uploaded": "uploaded", "rejected": "rejected", "abandoned": "abandoned"},
        "uploaded": {"started": "analysing", "rejected": "rejected", "failed": "failed", "cancelled": "cancelled"},
        "analysing": {
            "analysed": "analysed",
            "rejected": "rejected",
            "failed": "failed",
            "cancelled": "cancelled",
        },
        "analysed": {"delivered": "delivered"},
        "delivered": {},
        "rejected": {"retried": "uploaded"},
        "failed": {"retried": "uploaded"},
        "cancelled": {"retried": "uploaded"},
        "abandoned": {},
    },
)

# The money of the order is the best that one of its payments is: paid while we hold the whole of one, whatever became
# of the others. So a second payment moves nothing, and its refund moves nothing either.
MONEY = _table(
    "paid paid_again partly_refunded refunded",
    {
        "unpaid": {"paid": "paid"},
        "paid": {"partly_refunded": "partly_refunded", "refunded": "refunded"},
        "partly_refunded": {"paid_again": "paid", "refunded": "refunded"},
        # A refund failed (konbini: up to 45 days later), a lost dispute was won after all, or a late slip was paid.
        "refunded": {"paid_again": "paid", "partly_refunded": "partly_refunded"},
    },
)

# One attempt to pay. The events are what a re-read Checkout Session shows, never what a webhook says.
# Money beats every ending: a slip printed before the deadline can still be paid at the till (Stripe, konbini).
_MONEY_SEEN: dict[str, Outcome] = {"paid": "paid", "partly_refunded": "partly_refunded", "refunded": "refunded"}
_VOUCHER: dict[str, Outcome] = {"voucher_issued": "awaiting"}
_ENDS: dict[str, Outcome] = {"expired": "expired", "failed": "failed"}

PAYMENT = _table(
    "opened gave_up voucher_issued paid expired failed partly_refunded refunded",
    {
        "creating": {"opened": "open", "gave_up": "abandoned", **_VOUCHER, **_ENDS, **_MONEY_SEEN},
        "open": {**_VOUCHER, **_ENDS, **_MONEY_SEEN},
        "awaiting": {**_ENDS, **_MONEY_SEEN},
        "expired": {**_VOUCHER, "failed": "failed", **_MONEY_SEEN},
        "failed": {**_MONEY_SEEN},
        "abandoned": {"opened": "open", **_VOUCHER, **_ENDS, **_MONEY_SEEN},
        "paid": {"partly_refunded": "partly_refunded", "refunded": "refunded"},
        # Refunded, or taken by the bank after a lost dispute; paid again when that failed and the money is ours.
        "partly_refunded": {"paid": "paid", "refunded": "refunded"},
        "refunded": {"paid": "paid", "partly_refunded": "partly_refunded"},
    },
)

# A refund, in Stripe's own words for its status; a failed one can't come back.
_REFUND_ENDS: dict[str, Outcome] = {"succeeded": "succeeded", "failed": "failed", "canceled": "canceled"}

REFUND = _table(
    "requires_action pending succeeded failed canceled",
    {
        "requires_action": {"pending": "pending", **_REFUND_ENDS},
        "pending": {"requires_action": "requires_action", **_REFUND_ENDS},  # the bank account was wrong: asked again
        "succeeded": {"failed": "failed"},  # the bank sent the money back
        "failed": {},
        "canceled": {},
    },
)

# A refund that a member of staff asks for: at once on its way where one person may decide it, else after a second one.
REFUND_REQUEST = _table(
    "approved declined sent refused",
    {
        "waiting": {"approved": "approved", "declined": "declined"},
        "declined": {},
        "approved": {"sent": "sent", "refused": "refused"},
        "sent": {},
        "refused": {},
    },
)


def sources(table: Table, event: str) -> dict[str, list[str]]:
    """Return, for an event, each next state with the states that lead to it: the rows of a conditional UPDATE."""
    moves: dict[str, list[str]] = {}
    for state, answers in table.items():
        outcome = answers[event]
        if isinstance(outcome, str):
            moves.setdefault(outcome, []).append(state)
    return moves
