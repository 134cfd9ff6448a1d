"""What a payer, a till or time does to a Checkout Session."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.errors import CardDeclinedError, InvalidRequestError
from sandbox.stripe.objects import session as sessions
from sandbox.stripe.payer import cards, checkout
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx, public
from sandbox.stripe.webhooks import out

DEFAULT_EMAIL = "customer@example.com"
DEFAULT_NAME = "山田 太郎"


def _payer(session: Json, fields: Fields) -> checkout.Payer:
    email = fields.text("email", session["customer_email"] or DEFAULT_EMAIL)
    return checkout.Payer(email, fields.text("name", DEFAULT_NAME), fields.text("phone"))


ACTIONS: dict[str, Callable[[Tx, Json, Fields], Json]] = {
    "pay_at_till": lambda tx, session, fields: checkout.pay_at_till(tx, session, fields.text("chain", "lawson")),
    "expire_voucher": lambda tx, session, _fields: checkout.expire_voucher(tx, session),
    "expire": lambda tx, session, _fields: sessions.expire_now(tx, session),
    "issue_voucher": lambda tx, session, fields: checkout.issue_voucher(tx, session, _payer(session, fields)),
}


@moment("sessions", "GET")
def list_sessions(_fields: Fields) -> list[Json]:
    """Give all sessions, newest first."""
    with store().read() as tx:
        return [public(session) for session in tx.find("checkout.session")]


@moment("sessions/<session_id>/pay_card")
def pay_card(fields: Fields, session_id: str) -> Json:
    """Pay by card: `email`, `name`, `card_number`, `card_expiry`. Raises CardDeclinedError."""
    card = cards.read(fields.text("card_number", cards.GOOD), fields.text("card_expiry", "12/40"), "123")
    if isinstance(card, str):
        raise InvalidRequestError(f"Invalid {card}", param=card)
    with store().write() as tx:
        session = checkout.find_session(tx, session_id)
        attempt = checkout.pay_card(tx, session, _payer(session, fields), card)
    if attempt.decline:
        raise CardDeclinedError(attempt.decline["message"], code=attempt.decline["code"])
    if attempt.completed:
        out.wait_for_answer(store(), attempt.completed["id"])
    return public(attempt.session)


@moment("sessions/<session_id>/<action>")
def act(fields: Fields, session_id: str, action: str) -> Json:
    """Do one of ACTIONS and give the session. Raises ApiError when the session's state forbids it."""
    if action not in ACTIONS:
        raise InvalidRequestError(f"No such action: {action}. Known: pay_card, {', '.join(ACTIONS)}.")
    with store().write() as tx:
        return public(ACTIONS[action](tx, checkout.find_session(tx, session_id), fields))
