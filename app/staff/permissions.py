"""Who may do what in the back office: one matrix, asked by every view (AC-S02). What is not in it nobody may."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import abort
from flask.typing import ResponseReturnValue

from app.login.people import STAFF_STEP_UP, known_person, recently_proved, staff_required

ROLES = ("viewer", "support", "refunder", "admin")
_ALL, _SUPPORT, _REFUNDER, _ADMIN = ROLES, ROLES[1:], ROLES[2:], ROLES[3:]

MATRIX: dict[str, tuple[str, ...]] = {
    "orders.see": _ALL,
    "orders.export": _SUPPORT,
    "orders.note": _SUPPORT,
    "orders.act": _SUPPORT,  # mails, analyses, deliveries, retention, payment links
    "orders.money": _REFUNDER,  # refunds, bank transfers
    "files.open": _SUPPORT,  # what is in a customer's file (AC-S04)
    "orders.delete": _ADMIN,
    "customers.view_as": _SUPPORT,
    "customers.end_sessions": _SUPPORT,
    "attention.take": _SUPPORT,
    "events.see": _ALL,
    "events.replay": _SUPPORT,
    "numbers.see": _ALL,
    "people.see": _ADMIN,
    "people.change": _ADMIN,
    "log.see": _ADMIN,
}
"""Permission -> the roles that have it. Each role can do what the one before it can."""

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


def may(permission: str) -> bool:
    """Tell whether the member of staff who is looking has a permission (a key of MATRIX)."""
    return known_person().role in MATRIX[permission]


def permitted(permission: str, *, proved: bool = False, page: str | None = None) -> Callable[[View[P]], View[P]]:
    """Show a page only to staff with this permission: 404 for others than staff, 403 for staff without it.

    `proved`: only within five minutes of a second factor (step-up), which leads back to `page` (see `recently_proved`).
    """
    roles = MATRIX[permission]

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def allowed(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if known_person().role not in roles:
                abort(403)
            return recently(*args, **kwargs)

        recently = recently_proved(STAFF_STEP_UP, page)(view) if proved else view
        guarded = staff_required(allowed)
        guarded.permission = permission  # type: ignore[attr-defined]  # the test walks views by it
        return guarded

    return guard
