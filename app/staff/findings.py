"""What the daily comparison found and could not mend: what each difference means, and what a person does about it."""

from flask_babel import lazy_gettext

_MISMATCH = lazy_gettext(
    "The Checkout Session is not as we made it. Look at it in Stripe; refund what was paid wrongly."
)

FINDINGS = {
    "livemode_mismatch": _MISMATCH,
    "portal_mismatch": _MISMATCH,
    "order_mismatch": _MISMATCH,
    "mode_mismatch": _MISMATCH,
    "currency_mismatch": _MISMATCH,
    "amount_mismatch": lazy_gettext(
        "The amount at Stripe is another one than the order's. Refund it or settle it by hand."
    ),
    "session_without_order": lazy_gettext("Stripe has a Checkout Session of an order that neither we nor S3 know."),
    "second_session": lazy_gettext(
        "The order has a second Checkout Session that could not be closed. Close it in Stripe."
    ),
    "session_gone": lazy_gettext("Stripe does not know this Checkout Session. Was the key of another account used?"),
    "cannot_settle": lazy_gettext("This Checkout Session can't be taken over. The log says why."),
    "paid_here_only": lazy_gettext("The payment is paid here and not at Stripe."),
    "open_without_payment": lazy_gettext("The order counts as paid, but no payment of it is."),
    "record_unreadable": lazy_gettext(
        "The order's record in S3 can't be read. Restore an older version of the object."
    ),
    "input_without_order": lazy_gettext("S3 holds a file of an order that we don't know, without a record of it."),
    "input_missing": lazy_gettext("The customer's file is gone from S3. Ask for it again."),
    "result_missing": lazy_gettext("The result is gone from S3. Start the analysis again."),
    "result_without_order": lazy_gettext("S3 holds a result of an order that we don't know."),
    "result_unpaid": lazy_gettext("The result was delivered, and the order is not paid."),
    "ledger_lost": lazy_gettext("The database was lost or is half rebuilt. Run: flask --app wsgi portal rebuild"),
    "stripe_redaction": lazy_gettext(
        "This customer asked to be forgotten. Have them redacted at Stripe, 90 days after their last payment at the"
        " earliest (docs/privacy.md), then: flask --app wsgi portal redacted CUSTOMER"
    ),
    "deliverable_missing": lazy_gettext("The customer's download is gone from S3 and can't be put together again."),
    "log_broken": lazy_gettext(
        "The log of the back office was changed or cut off in the database. Find out who could; compare it with a"
        " backup and with the server's log (staff_log.whole)."
    ),
}
"""By the finding's kind (app.recovery.report: KINDS, REDACTION and LOG_BROKEN)."""
