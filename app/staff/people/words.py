"""What the page about the people of the back office calls roles, what they may do, and what can't be done."""

from flask_babel import lazy_gettext

ROLES = {
    "viewer": lazy_gettext("Viewer"),
    "support": lazy_gettext("Support"),
    "refunder": lazy_gettext("Refunds"),
    "admin": lazy_gettext("Administrator"),
}
PERMISSIONS = {
    "orders.see": lazy_gettext("See orders and all that happened to them"),
    "orders.export": lazy_gettext("Export lists of orders"),
    "orders.note": lazy_gettext("Write notes"),
    "orders.act": lazy_gettext("Act on orders: mails, analyses, deliveries, payment links"),
    "orders.money": lazy_gettext("Send money back, and book bank transfers"),
    "orders.delete": lazy_gettext("Delete a customer's data"),
    "files.open": lazy_gettext("Open a customer's file, with a reason"),
    "customers.view_as": lazy_gettext("See the portal as a customer, without changing anything"),
    "customers.end_sessions": lazy_gettext("End a customer's logins"),
    "attention.take": lazy_gettext("Take and close what needs attention"),
    "events.see": lazy_gettext("See Stripe's events"),
    "events.replay": lazy_gettext("Begin Stripe's events anew"),
    "numbers.see": lazy_gettext("See the numbers"),
    "people.see": lazy_gettext("See who is staff"),
    "people.change": lazy_gettext("Invite, change and disable members of staff"),
    "log.see": lazy_gettext("Read the log of the back office"),
}
"""By the keys of app.staff.permissions.MATRIX."""
PROBLEMS = {
    "last_admin": lazy_gettext("This is the last administrator. Make somebody else one first."),
    "known_member": lazy_gettext("This address is a member's already. It is in the list below."),
    "no_member": lazy_gettext("This member is not there any more, or was changed a moment ago. Please look again."),
    "bad_input": lazy_gettext("Please look at this once more."),
}
