"""The control page's buttons and the control API's calls: one table of what a person can make happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.stripe import cards, checkout, webhooks_out
from sandbox.stripe.errors import CardDeclinedError, InvalidRequestError
from sandbox.stripe.objects import session as sessions
from sandbox.stripe.store import Json, Store, Tx, public

DEFAULT_EMAIL = "customer@example.com"
DEFAULT_NAME = "山田 太郎"


def _payer(session: Json, data: Mapping[str, Any]) -> checkout.Payer:
    email = data.get("email") or session["customer_email"] or DEFAULT_EMAIL
    return checkout.Payer(email, data.get("name") or DEFAULT_NAME, data.get("phone") or "")


def _issue(tx: Tx, session: Json, data: Mapping[str, Any]) -> Json:
    return checkout.issue_voucher(tx, session, _payer(session, data))


def _till(tx: Tx, session: Json, data: Mapping[str, Any]) -> Json:
    return checkout.pay_at_till(tx, session, data.get("chain") or "lawson")


ACTIONS: dict[str, Callable[[Tx, Json, Mapping[str, Any]], Json]] = {
    "pay_at_till": _till,
    "expire_voucher": lambda tx, session, _data: checkout.expire_voucher(tx, session),
    "expire": lambda tx, session, _data: sessions.expire_now(tx, session),
    "issue_voucher": _issue,
}


def run(store: Store, session_id: str, action: str, data: Mapping[str, Any]) -> Json:
    """Do it and give the session as Stripe shows it. Raises ApiError when the session's state forbids it."""
    if action == "pay_card":
        return public(_pay_card(store, session_id, data))
    if action not in ACTIONS:
        raise InvalidRequestError(f"No such action: {action}. Known: pay_card, {', '.join(ACTIONS)}.")
    with store.write() as tx:
        return public(ACTIONS[action](tx, checkout.find_session(tx, session_id), data))


def _pay_card(store: Store, session_id: str, data: Mapping[str, Any]) -> Json:
    card = cards.read(data.get("card_number") or cards.GOOD, data.get("card_expiry") or "12/40", "123")
    if isinstance(card, str):
        raise InvalidRequestError(f"Invalid {card}", param=card)
    with store.write() as tx:
        session = checkout.find_session(tx, session_id)
        attempt = checkout.pay_card(tx, session, _payer(session, data), card)
    if attempt.decline:
        raise CardDeclinedError(attempt.decline["message"], code=attempt.decline["code"])
    if attempt.completed:
        webhooks_out.wait_for_answer(store, attempt.completed["id"])
    return attempt.session


SETTINGS: dict[str, Callable[[Any], bool]] = {
    "webhooks_paused": lambda value: isinstance(value, bool),
    "webhook_backoff_seconds": lambda value: (
        isinstance(value, list) and all(isinstance(item, int | float) and item >= 0 for item in value)
    ),
}


def change_settings(tx: Tx, data: Mapping[str, Any]) -> Json:
    """Set what is given; give the settings that differ from their defaults. Raises ApiError."""
    for name, value in data.items():
        if name not in SETTINGS or not SETTINGS[name](value):
            raise InvalidRequestError(f"Unknown setting or wrong value: {name}", param=name)
        tx.set(name, value)
    return {name: value for name in SETTINGS if (value := tx.setting(name, None)) is not None}
