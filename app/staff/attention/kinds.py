"""What each kind of thing that needs attention is called, what a person does about it, and the actions beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import LazyString, lazy_gettext

from app.staff.findings import FINDINGS
from app.staff.words import MAILS

MAIL, FINDING, EVENT, SILENCE, JOB = "mail_failed", "finding", "event_dead", "events_silent", "job_dead"
NOT_DELIVERED, SECOND_PERSON, REFUSED = "not_delivered", "refund_waiting", "refund_refused"


@dataclass(frozen=True)
class Kind:
    """What a kind of thing is called, and what to do about it.

    `actions` are keys of app.staff.actions.catalog. `words` say what a thing's `told` means, where that is a code.
    """

    title: LazyString
    todo: LazyString
    actions: tuple[str, ...] = ()
    words: Mapping[str, LazyString] = field(default_factory=dict)


_REFUND, _AGAIN = ("refund",), ("again",)
_WRONG_SESSION = lazy_gettext("The payment does not fit the order")

KINDS: dict[str, Kind] = {
    "double_payment": Kind(
        lazy_gettext("Paid twice"),
        lazy_gettext(
            "Where it can, the portal sends one payment back by itself. Refund it if it is still here tomorrow."
        ),
        _REFUND,
    ),
    "disputed": Kind(
        lazy_gettext("Payment disputed at the bank"),
        lazy_gettext("Answer in Stripe before the bank's deadline. The downloads stay closed until it has decided."),
    ),
    "refund_failed": Kind(
        lazy_gettext("Refund failed"),
        lazy_gettext("The money is ours again. Ask the customer where to send it, or refund once more."),
        _REFUND,
    ),
    "paid_but_no_result": Kind(
        lazy_gettext("Paid, and there is no result"),
        lazy_gettext("Run the analysis once more, or send the money back."),
        (*_AGAIN, *_REFUND),
    ),
    "analysis_failed": Kind(
        lazy_gettext("Analysis failed"),
        lazy_gettext("The order's page shows what the program wrote last. The customer was told, and need not pay."),
        _AGAIN,
    ),
    "renewal_failed": Kind(
        lazy_gettext("Analysing once more came to nothing"),
        lazy_gettext("The result of before is still the customer's. The order's page shows what the program wrote."),
        _AGAIN,
    ),
    "checksum_mismatch": Kind(
        lazy_gettext("The customer's file has changed in the store"),
        lazy_gettext(
            "Find out who writes into the bucket. Then run the analysis once more, or ask for the file again."
        ),
        _AGAIN,
    ),
    "unscanned": Kind(
        lazy_gettext("Nobody could say whether the file is clean"),
        lazy_gettext("Look at the virus scanner. It is asked again by itself, and the order goes on from there."),
    ),
    "delivery_failed": Kind(
        lazy_gettext("Paid, and the result could not be put together"),
        lazy_gettext("It is tried again by itself. If its files are deleted already, send the money back."),
        ("rebuild", *_REFUND),
    ),
    **{
        name: Kind(_WRONG_SESSION, FINDINGS[name], _REFUND)
        for name in (
            "livemode_mismatch",
            "portal_mismatch",
            "order_mismatch",
            "mode_mismatch",
            "currency_mismatch",
            "amount_mismatch",
        )
    },
    NOT_DELIVERED: Kind(
        lazy_gettext("Paid an hour ago or more, and not delivered"),
        lazy_gettext("The order's page says what it waits for: its turn, its analysis, or a job that failed."),
        (*_AGAIN, "rebuild", *_REFUND),
    ),
    MAIL: Kind(
        lazy_gettext("Mail did not arrive"),
        lazy_gettext("Correct the address or ask the customer for another one, then send the mail once more."),
        ("email", "resend"),
        MAILS,
    ),
    SECOND_PERSON: Kind(
        lazy_gettext("A refund waits for a second person"),
        lazy_gettext("Somebody else than the one who asked agrees to it, or declines it."),
    ),
    REFUSED: Kind(
        lazy_gettext("Stripe refused a refund"),
        lazy_gettext("No money has moved. Look at the payment in Stripe, then ask for a refund that is possible."),
        _REFUND,
    ),
    EVENT: Kind(
        lazy_gettext("Event from Stripe given up"),
        lazy_gettext("See why it failed, put that right, then have it handled anew."),
    ),
    SILENCE: Kind(
        lazy_gettext("No events come from Stripe"),
        lazy_gettext("Payments must have ended, and Stripe told us nothing. Is the webhook endpoint disabled there?"),
    ),
    JOB: Kind(
        lazy_gettext("Job failed for good"),
        lazy_gettext("See why, put that right, then run it once more. The log has the whole story."),
    ),
    FINDING: Kind(
        lazy_gettext("Stripe, our records and S3 differ"),
        lazy_gettext("What is clear was mended by itself. This is gone when the next comparison does not find it."),
        words=FINDINGS,
    ),
}
"""By the name of the kind; the first ones are what stands in `orders.attention`."""


def kind_of(name: str) -> Kind:
    """Return a kind; one that has no words yet is called by its own name."""
    other = lazy_gettext("Something else: %(name)s", name=name)
    return KINDS.get(name) or Kind(other, lazy_gettext("Look at the order."))
