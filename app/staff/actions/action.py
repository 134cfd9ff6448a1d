"""What staff can do to an order, as data: who may, when it is possible, what the page asks, what is done.

One room shows and does them all: permission, step-up, confirm page, reason (app.staff.actions.views), the order's lock,
the order's audit and the staff log (app.staff.actions.carry). An action only says what it changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import LazyString, gettext
from sqlalchemy.orm import Session

from app.errors import BadInputError
from app.models import Order
from app.orders.lifecycle import lock

Options = Callable[[Session, Order], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Asked:
    """One thing that the confirm page asks for; `options` makes it a choice, `kind` is the type of the input."""

    name: str
    label: LazyString
    kind: str = "text"
    hint: LazyString | str = ""
    options: Options | None = None


@dataclass(frozen=True)
class Deed:
    """One carrying out of an action on one order, whose row is locked; payments and refunds are loaded.

    `once` names the confirm page that was sent: a form sent twice has the same one, so it goes well into
    idempotency and dedup keys. `actor` is what the order's audit calls the member of staff. What an action puts into
    `noted` (JSON, nobody's data in clear) stands in the order's audit entry.
    """

    order: Order
    actor: str
    once: str
    reason: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    noted: dict[str, object] = field(default_factory=dict)


class CantDoError(BadInputError):
    """The action is not possible with this order now; `text` says why, in the language of the page."""

    def __init__(self, text: str = "", *, field: str | None = None) -> None:
        """Take what the page says, and the field at fault where there is one."""
        super().__init__(field=field)
        self.text = text or gettext("This is not possible with this order now.")


def lock_order(session: Session, order: Order) -> None:
    """Let nobody else change the order meanwhile."""
    lock(session, order.id)


@dataclass(frozen=True)
class Action:
    """One action.

    `permission` is a key of app.staff.permissions.MATRIX. `possible` decides whether the order's page offers it; `do`
    carries it out in the caller's transaction and returns what the next page says; it raises CantDoError. With
    `proved` the second factor must be fresh (step-up), with `reason` the page asks why, `bulk`: for many orders too.
    `shows` are facts that the confirm page tells beside the order's own. `prepare` is what has to be done outside (a
    call of Stripe's) before the transaction begins; it may be repeated. `locks` are the rows that `do` changes.
    """

    key: str
    title: LazyString
    explains: LazyString
    permission: str
    possible: Callable[[Order], bool]
    do: Callable[[Session, Deed], str]
    asks: tuple[Asked, ...] = ()
    reason: bool = False
    proved: bool = False
    danger: bool = False
    bulk: bool = False
    shows: Options | None = None
    prepare: Callable[[Order], None] | None = None
    locks: Callable[[Session, Order], None] = lock_order
