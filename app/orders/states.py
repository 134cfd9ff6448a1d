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

PAID = ("paid", "partly_refunded")
"""The money of an order whose result is the customer's."""


def _table(events: str, states: Mapping[str, Mapping[str, Outcome]]) -> Table:
    """Complete a table: what a state does not answer otherwise is IGNORED. A misspelt event stops the start."""
    unknown = {event for moves in states.values() for event in moves} - set(events.split())
    if unknown:
        raise ValueError(f"no such event: {unknown}")
    return {state: {event: moves.get(event, IGNORED) for event in events.split()} for state, moves in states.items()}


# The work: waiting -> uploaded -> analysing -> analysed -> delivered
WORK = _table(
    "uploaded started analysed rejected failed delivered abandoned",
    {
        "waiting": {"uploaded": "uploaded", "rejected": "rejected", "abandoned": "abandoned"},
        "uploaded": {"started": "analysing", "rejected": "rejected", "failed": "failed"},
        "analysing": {"analysed": "analysed", "rejected": "rejected", "failed": "failed"},
        "analysed": {"delivered": "delivered"},
        "delivered": {},
        "rejected": {},
        "failed": {"started": "analysing"},  # staff start it again
        "abandoned": {},
    },
)

# The money of the order: one payment pays it; a second one is an anomaly, never a second delivery.
MONEY = _table(
    "paid partly_refunded refunded refund_failed",
    {
        "unpaid": {"paid": "paid"},
        "paid": {"paid": DOUBLE, "partly_refunded": "partly_refunded", "refunded": "refunded"},
        "partly_refunded": {"paid": DOUBLE, "refunded": "refunded", "refund_failed": "paid"},
        # One of two refunds can fail later (konbini: up to 45 days).
        "refunded": {"paid": DOUBLE, "partly_refunded": "partly_refunded", "refund_failed": "paid"},
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
        "partly_refunded": {"paid": "paid", "refunded": "refunded"},  # paid: the refund failed, the money is ours again
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
