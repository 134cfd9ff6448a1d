"""What the back office calls the states of things and the entries of the audit."""

from flask_babel import lazy_gettext

from app.portal import portal
from app.web.texts import locale

WORK = {
    "waiting": lazy_gettext("Waiting for the file"),
    "uploaded": lazy_gettext("Uploaded"),
    "analysing": lazy_gettext("Being analysed"),
    "analysed": lazy_gettext("Analysis done"),
    "delivered": lazy_gettext("Delivered"),
    "rejected": lazy_gettext("File can't be analysed"),
    "failed": lazy_gettext("Analysis failed"),
    "cancelled": lazy_gettext("Analysis stopped"),
    "abandoned": lazy_gettext("No file came"),
}
MONEY = {
    "unpaid": lazy_gettext("Unpaid"),
    "paid": lazy_gettext("Paid"),
    "partly_refunded": lazy_gettext("Partly refunded"),
    "refunded": lazy_gettext("Refunded"),
}
PAYMENT = {
    "creating": lazy_gettext("Being made at Stripe"),
    "open": lazy_gettext("Payment page open"),
    "awaiting": lazy_gettext("Voucher issued"),
    "paid": lazy_gettext("Paid"),
    "expired": lazy_gettext("Ran out"),
    "failed": lazy_gettext("Failed"),
    "abandoned": lazy_gettext("Given up"),
    "partly_refunded": lazy_gettext("Partly refunded"),
    "refunded": lazy_gettext("Refunded"),
}
REFUND = {
    "requires_action": lazy_gettext("Waiting for the customer's bank account"),
    "pending": lazy_gettext("On its way"),
    "succeeded": lazy_gettext("Returned"),
    "failed": lazy_gettext("Failed"),
    "canceled": lazy_gettext("Cancelled"),
}
REQUESTS = {
    "waiting": lazy_gettext("Waits for a second member of staff"),
    "declined": lazy_gettext("Declined"),
    "approved": lazy_gettext("On its way to Stripe"),
    "sent": lazy_gettext("Sent to Stripe"),
    "refused": lazy_gettext("Refused by Stripe"),
}
KINDS = {
    "delivered": "ok",
    "paid": "ok",
    "rejected": "error",
    "failed": "error",
    "refused": "error",
    "cancelled": "warn",
    "partly_refunded": "warn",
    "refunded": "warn",
    "analysing": "info",
    "awaiting": "info",
}
"""Kind of the badge (macros.html) of a state; one that is not here is plain."""

ACTORS = {
    "customer": lazy_gettext("Customer"),
    "stripe": lazy_gettext("Stripe"),
    "worker": lazy_gettext("Portal"),
    "s3": lazy_gettext("Object store"),
    "recovery": lazy_gettext("Portal, comparing with Stripe and S3"),
}
RUNS = {
    "analysed": lazy_gettext("Done"),
    "rejected": lazy_gettext("File can't be analysed"),
    "failed": lazy_gettext("Failed"),
    "cancelled": lazy_gettext("Stopped"),
    "interrupted": lazy_gettext("Interrupted"),
}
RUN_KINDS = {"analysed": "ok", "rejected": "warn", "failed": "error", "cancelled": "warn", "interrupted": "warn"}
MAILS = {
    "choose_payment": lazy_gettext("Result ready: choose how to pay"),
    "voucher": lazy_gettext("Konbini voucher"),
    "result_open": lazy_gettext("Result ready to download"),
    "results_go_soon": lazy_gettext("Result is deleted soon"),
    "cannot_analyse": lazy_gettext("File can't be analysed"),
    "analysis_failed": lazy_gettext("Analysis failed"),
    "payment_reminder": lazy_gettext("Reminder of a voucher"),
    "payment_expired": lazy_gettext("Voucher ran out"),
    "paid_twice": lazy_gettext("Paid twice: one payment goes back"),
    "refund": lazy_gettext("Payment goes back"),
    "address_corrected": lazy_gettext("E-mail address of the order corrected"),
    "data_deleted": lazy_gettext("Everything about a customer was deleted"),
}
MAIL_STATES = {
    "queued": lazy_gettext("Waiting to be sent"),
    "sent": lazy_gettext("Sent"),
    "failed": lazy_gettext("Failed"),
    "dropped": lazy_gettext("Not needed any more"),
    "restored": lazy_gettext("Sent before the database was rebuilt"),
}
SCANS = {
    None: lazy_gettext("not looked at yet"),
    "clean": lazy_gettext("clean"),
    "unscanned": lazy_gettext("not scanned"),
    "infected": lazy_gettext("infected"),
}
"""What a virus scanner said of a file."""

AUDIT = {
    "order.created": lazy_gettext("Order made"),
    "order.address_changed": lazy_gettext("Customer changed the e-mail address"),
    "order.restored": lazy_gettext("Order restored from Stripe and S3"),
    "order.erased": lazy_gettext("Made nameless: the customer asked for their data to be deleted"),
    "files.deleted": lazy_gettext("Files deleted: their time is over"),
    "file.downloaded": lazy_gettext("File downloaded"),
    "result.kept": lazy_gettext("Customer had the result kept for longer"),
    "file.looked_at": lazy_gettext("File looked at"),
    "file.refused": lazy_gettext("File refused"),
    "work.uploaded": lazy_gettext("File arrived"),
    "work.started": lazy_gettext("Analysis started"),
    "work.analysed": lazy_gettext("Analysis done"),
    "work.rejected": lazy_gettext("File can't be analysed"),
    "work.failed": lazy_gettext("Analysis failed"),
    "work.cancelled": lazy_gettext("Analysis stopped"),
    "work.retried": lazy_gettext("Analysis put back into the line by staff"),
    "work.delivered": lazy_gettext("Result opened"),
    "work.abandoned": lazy_gettext("Closed: no file came"),
    "money.paid": lazy_gettext("Order paid"),
    "money.partly_refunded": lazy_gettext("Order partly refunded"),
    "money.refunded": lazy_gettext("Order refunded"),
    "money.paid_again": lazy_gettext("Order paid again: a refund failed, or another payment came"),
    "payment.opened": lazy_gettext("Payment page opened"),
    "payment.gave_up": lazy_gettext("Payment given up"),
    "payment.voucher_issued": lazy_gettext("Voucher issued"),
    "payment.paid": lazy_gettext("Payment arrived"),
    "payment.expired": lazy_gettext("Payment ran out"),
    "payment.failed": lazy_gettext("Payment failed"),
    "payment.partly_refunded": lazy_gettext("Payment partly refunded"),
    "payment.refunded": lazy_gettext("Payment refunded"),
    "payment.quarantined": lazy_gettext("Payment does not fit the order"),
    "payment.double": lazy_gettext("Paid twice"),
    "payment.disputed": lazy_gettext("Payment disputed at the bank"),
    "analysis.rejected": lazy_gettext("Why the file can't be analysed"),
    "analysis.failed": lazy_gettext("Why the analysis failed"),
    "analysis.cancelled": lazy_gettext("Why the analysis was stopped"),
    "analysis.renewed": lazy_gettext("Analysed once more"),
    "analysis.not_renewed": lazy_gettext("Analysing once more came to nothing; the result stays as it was"),
    "analysis.cancel_asked": lazy_gettext("Somebody wants the analysis stopped"),
    "staff.file_opened": lazy_gettext("A file of the customer was opened by staff"),
    "staff.attention_closed": lazy_gettext("Closed in the inbox by staff"),
    "staff.sessions_ended": lazy_gettext("All logins of the customer ended by staff"),
    "staff.viewed_as": lazy_gettext("Seen by staff as the customer sees it"),
    "staff.resend": lazy_gettext("Mail sent once more by staff"),
    "staff.pay-link": lazy_gettext("New payment link given by staff"),
    "staff.email": lazy_gettext("E-mail address corrected by staff"),
    "staff.again": lazy_gettext("Analysis run once more by staff"),
    "staff.rebuild": lazy_gettext("Deliverable put together anew by staff"),
    "staff.cancel": lazy_gettext("Order cancelled by staff"),
    "staff.extend": lazy_gettext("Result kept longer by staff"),
    "staff.close-downloads": lazy_gettext("Downloads closed by staff"),
    "staff.open-downloads": lazy_gettext("Downloads opened again by staff"),
    "staff.refund": lazy_gettext("Refund asked for by staff"),
    "staff.transfer": lazy_gettext("Bank transfer booked by staff"),
    "staff.erase": lazy_gettext("Everything about the customer deleted by staff"),
    "refund.requires_action": lazy_gettext("Refund waits for the customer's bank account"),
    "refund.pending": lazy_gettext("Refund on its way"),
    "refund.succeeded": lazy_gettext("Refund done"),
    "refund.failed": lazy_gettext("Refund failed"),
    "refund.canceled": lazy_gettext("Refund cancelled"),
    "refund.waiting": lazy_gettext("Refund waits for a second person"),
    "refund.approved": lazy_gettext("Refund agreed to"),
    "refund.declined": lazy_gettext("Refund declined"),
    "refund.sent": lazy_gettext("Refund handed on"),
    "refund.refused": lazy_gettext("Refund did not come about: Stripe refused it"),
    "refund.gave_up": lazy_gettext("Refund did not work: send the money back by hand"),
}
"""An entry of another kind is shown by its own name."""


def products() -> dict[str, str]:
    """Return the names of the products by key, in the language of the page."""
    return {product.key: product.name(locale()) for product in portal.catalog.products}


def methods() -> dict[str, str]:
    """Return the names of the payment methods by key, in the language of the page."""
    return portal.catalog.method_names(locale())
