"""What a payer, a till or time does to a Checkout Session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sandbox.stripe import switches
from sandbox.stripe.control.moments import Fields, moment
from sandbox.stripe.errors import CardDeclinedError, InvalidRequestError, refuse
from sandbox.stripe.objects import session as sessions
from sandbox.stripe.payer import card_payment, cards, checkout, konbini, voucher
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx, public
from sandbox.stripe.webhooks import out

DEFAULT_EMAIL = "customer@example.com"


def _payer(tx: Tx, session: Json, fields: Fields) -> checkout.Payer:
    locked = checkout.locked_email(tx, session)
    email = fields.text("email", session["customer_email"] or DEFAULT_EMAIL) if locked is None else locked
    phone = fields.text("phone")
    if konbini.bad_phone(phone):
        raise refuse(f"Invalid phone number: {phone}", "phone")
    return checkout.Payer(email, fields.text("name", cards.PAYER_NAME), phone)


ACTIONS: dict[str, Callable[[Tx, Json, Fields], Json]] = {
    "pay_at_till": lambda tx, session, fields: voucher.pay_at_till(tx, session, fields.text("chain", "lawson")),
    "expire_voucher": lambda tx, session, _fields: voucher.expire(tx, session),
    "expire": lambda tx, session, _fields: sessions.expire_now(tx, session),
    "issue_voucher": lambda tx, session, fields: voucher.issue(tx, session, _payer(tx, session, fields)),
}


@moment("sessions", "GET")
def list_sessions(_fields: Fields) -> list[Json]:
    """Give all sessions, newest first."""
    with store().read() as tx:
        return [public(session) for session in tx.find("checkout.session")]


@moment("sessions/<session_id>/pay_card")
def pay_card(fields: Fields, session_id: str) -> Json:
    """Pay by card: `email`, `name`, `card_number`, `card_expiry`, `wallet` (such as apple_pay), `three_d_secure`.

    `three_d_secure` is pass or fail: how the payer answers the bank, if it asks. Raises CardDeclinedError.
    """
    card = cards.read(fields.text("card_number", cards.GOOD), fields.text("card_expiry", "12/40"), "123")
    if isinstance(card, str):
        raise refuse(f"Invalid {card}", card)
    answer = fields.text("three_d_secure", "pass")
    if answer not in ("pass", "fail"):
        raise refuse("three_d_secure is pass or fail.", "three_d_secure")
    with store().write() as tx:
        session = checkout.find_session(tx, session_id)
        payer = _payer(tx, session, fields)
        if fields.text("wallet"):
            card = replace(card, wallet=fields.text("wallet"))
            payer = replace(payer, email=fields.text("email", switches.get(tx, "wallet_email") or payer.email))
        attempt = card_payment.pay(tx, session, payer, card)
        if attempt.challenge:
            attempt = card_payment.authenticate(tx, session, passed=answer == "pass")
    if attempt.decline:
        raise CardDeclinedError(attempt.decline["message"], code=attempt.decline["code"])
    if attempt.completed:
        out.wait_for_answer(store(), attempt.completed["id"])
    return public(attempt.session)


@moment("sessions/<session_id>/from_payment_link")
def begin_with_link(fields: Fields, session_id: str) -> Json:
    """Make the session one that the Payment Link `payment_link` (plink_...) began."""
    with store().write() as tx:
        session = checkout.find_session(tx, session_id)
        return public(sessions.from_payment_link(tx, session, fields.text("payment_link")))


@moment("sessions/<session_id>/<action>")
def act(fields: Fields, session_id: str, action: str) -> Json:
    """Do one of ACTIONS and give the session. Raises ApiError when the session's state forbids it."""
    if action not in ACTIONS:
        raise InvalidRequestError(f"No such action: {action}. Known: pay_card, {', '.join(ACTIONS)}.")
    with store().write() as tx:
        return public(ACTIONS[action](tx, checkout.find_session(tx, session_id), fields))
