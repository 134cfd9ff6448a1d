"""The result in the customer's hands: how long it is kept, and whether it can be downloaded."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from app.delivery.keeping import close_downloads, extend
from app.models import Order
from app.portal import portal
from app.staff.actions.action import Action, Asked, Deed
from app.web.texts import jst_date

DAYS = (30, 90, 180)


def _has_result(order: Order) -> bool:
    return order.state == "delivered" and order.result_gone_at is None


def _days(_session: Session, _order: Order) -> Sequence[tuple[str, str]]:
    return [(str(days), str(gettext("%(days)s days", days=days))) for days in DAYS]


def _last_day(_session: Session, order: Order) -> Sequence[tuple[str, str]]:
    return [(str(gettext("Last day now")), jst_date(order.kept_until))] if order.kept_until else []


def _extend(session: Session, deed: Deed) -> str:
    until = extend(session, deed.order, int(deed.values["days"]))
    deed.noted["until"] = until.isoformat()
    return str(gettext("The result can be downloaded until %(day)s.", day=jst_date(until)))


EXTEND = Action(
    key="extend",
    title=lazy_gettext("Keep the result longer"),
    explains=lazy_gettext(
        "For a customer who asks for more time than the order's page gives. A mail goes out seven days before the new"
        " last day, as always."
    ),
    permission="orders.act",
    possible=lambda order: _has_result(order) and order.kept_until is not None,
    do=_extend,
    asks=(Asked("days", lazy_gettext("Longer by"), options=_days),),
    shows=_last_day,
    reason=True,
    bulk=True,
)


def _close(session: Session, deed: Deed) -> str:
    close_downloads(session, deed.order, portal.clock())
    return str(gettext("The downloads are closed."))


def _open(session: Session, deed: Deed) -> str:
    close_downloads(session, deed.order, None)
    return str(gettext("The downloads are open again."))


CLOSE = Action(
    key="close-downloads",
    title=lazy_gettext("Close the downloads"),
    explains=lazy_gettext(
        "The customer's page says that something about the order is being looked into, and the files can't be opened."
        " A download that was begun in the last minutes may still end. You can open them again."
    ),
    permission="orders.act",
    possible=lambda order: _has_result(order) and order.downloads_closed_at is None,
    do=_close,
    reason=True,
    danger=True,
)
OPEN = Action(
    key="open-downloads",
    title=lazy_gettext("Open the downloads again"),
    explains=lazy_gettext("The customer can download the result again, where it is paid."),
    permission="orders.act",
    possible=lambda order: _has_result(order) and order.downloads_closed_at is not None,
    do=_open,
    reason=True,
)
