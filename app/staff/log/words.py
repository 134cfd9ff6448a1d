"""What the viewer of the staff log calls what staff do; actions on an order have their own titles."""

from flask_babel import LazyString, lazy_gettext

from app.staff.actions.catalog import ACTIONS

DEEDS: dict[str, LazyString] = {
    **{f"order.{action.key}": action.title for action in ACTIONS},
    "refund.agree": lazy_gettext("Agreed to a refund"),
    "refund.decline": lazy_gettext("Declined a refund"),
    "order.see": lazy_gettext("Looked at the order"),
    "order.see_mail": lazy_gettext("Read a mail of the order"),
    "order.open_file": lazy_gettext("Opened a file of the customer"),
    "order.note": lazy_gettext("Wrote a note"),
    "orders.export": lazy_gettext("List of orders exported"),
    "order.end_sessions": lazy_gettext("All logins of the customer ended"),
    "order.view_begin": lazy_gettext("Began to look at the portal as the customer"),
    "order.view_end": lazy_gettext("Stopped looking as the customer"),
    "attention.taken": lazy_gettext("Took what needs attention"),
    "attention.let_go": lazy_gettext("Let go of what needs attention"),
    "attention.closed": lazy_gettext("Closed what needed attention"),
    "attention.reopened": lazy_gettext("Opened again what was closed"),
    "event.replayed": lazy_gettext("Had an event from Stripe handled anew"),
    "staff.add": lazy_gettext("Made a member of staff"),
    "staff.invite": lazy_gettext("Invited to the back office"),
    "staff.role": lazy_gettext("Role changed"),
    "staff.disable": lazy_gettext("Disabled"),
    "staff.enable": lazy_gettext("Enabled again"),
    "staff.reset_factor": lazy_gettext("Phone and recovery codes forgotten"),
    "staff.end_sessions": lazy_gettext("Logins of a member ended"),
}
"""A deed that is not here is shown by its own name."""
