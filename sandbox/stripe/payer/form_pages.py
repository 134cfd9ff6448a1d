"""The hosted checkout form, which works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, request
from flask.typing import ResponseReturnValue

from sandbox.stripe import switches
from sandbox.stripe.errors import StateError
from sandbox.stripe.objects.session_rules import plausible_email
from sandbox.stripe.payer import card_payment, cards, checkout, frame, konbini, voucher
from sandbox.stripe.payer.card_payment import Attempt
from sandbox.stripe.payer.checkout import Payer
from sandbox.stripe.payer.frame import blueprint
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx
from sandbox.stripe.webhooks import out

# What the page tells a payer of a refusal; everything else is the general word, as Stripe advises
# (https://docs.stripe.com/declines/codes: never say lost, stolen or fraudulent).
_TOLD = {
    *("insufficient_funds", "expired_card", "incorrect_cvc", "processing_error", "card_velocity_exceeded"),
    "payment_intent_authentication_failure",
}


@blueprint.get("/c/pay/<session_id>")
def pay(session_id: str) -> ResponseReturnValue:
    """Show the payment form with what went wrong at the last try, or say that it is closed."""
    with store().read() as tx:
        session = checkout.find_session(tx, session_id)
        intent = tx.get(session["payment_intent"] or "")
        if _is_closed(tx, session):
            return frame.closed(session)
        error = intent["last_payment_error"] if intent else None
        typed = {"email": session["customer_email"] or "", "method": session["payment_method_types"][0]}
        return _form(tx, session, typed, {"card_number": _told(error)} if error else {})


@blueprint.post("/c/pay/<session_id>")
def submit(session_id: str) -> ResponseReturnValue:
    """Take the form: to the shop after a card, to the voucher after konbini, back to the form on a fault."""
    typed = {name: value.strip() for name, value in request.form.items()}
    with store().read() as tx:
        session = checkout.find_session(tx, session_id)
        if _is_closed(tx, session):
            return frame.closed(session)
        locked = checkout.locked_email(tx, session)
        if locked is not None:
            typed["email"] = locked
        wallet = switches.get(tx, "wallet_email") if "wallet" in typed else ""
        wrong = {} if wallet else _faults(tx, session, typed)
        if wrong:
            return _form(tx, session, typed, wrong), 422
    try:
        if wallet:
            return _by_wallet(session, wallet)
        return _by_konbini(session, typed) if typed["method"] == "konbini" else _by_card(session, typed)
    except StateError:
        with store().read() as tx:
            return frame.closed(checkout.find_session(tx, session_id))


def _is_closed(tx: Tx, session: Json) -> bool:
    return session["status"] != "open" or bool(voucher.waiting(tx.get(session["payment_intent"] or "")))


def _faults(tx: Tx, session: Json, typed: Mapping[str, str]) -> dict[str, str]:
    """Give field name -> text key of what is wrong with it."""
    wrong = {} if plausible_email(typed.get("email", "")) else {"email": "bad_email"}
    method = typed.get("method")
    if method not in session["payment_method_types"]:
        return wrong | {"method": "bad_method"}
    if method == "konbini":
        if not typed.get("konbini_name") and switches.get(tx, "konbini_name_required"):
            wrong["konbini_name"] = "bad_konbini_name"
        if konbini.bad_phone(typed.get("phone", "")):
            wrong["phone"] = "bad_phone"
        return wrong
    card = cards.read(*(typed.get(name, "") for name in ("card_number", "card_expiry", "card_cvc")))
    if isinstance(card, str):
        wrong[card] = f"bad_{card}"
    if not typed.get("card_name"):
        wrong["card_name"] = "bad_card_name"
    return wrong


def _by_card(session: Json, typed: Mapping[str, str]) -> ResponseReturnValue:
    card = cards.read(typed["card_number"], typed["card_expiry"], typed["card_cvc"])
    if isinstance(card, str):  # the card's last month ended between two looks
        raise StateError(card)
    payer = Payer(typed["email"], typed["card_name"])
    with store().write() as tx:
        attempt = card_payment.pay(tx, checkout.find_session(tx, session["id"]), payer, card)
    if attempt.decline:
        with store().read() as tx:
            return _form(tx, session, typed, {"card_number": _told(attempt.decline)}), 422
    return after_card(attempt)


def _by_wallet(session: Json, email: str) -> ResponseReturnValue:
    card = cards.of_wallet("apple_pay")
    with store().write() as tx:
        fresh = checkout.find_session(tx, session["id"])
        attempt = card_payment.pay(tx, fresh, Payer(email, cards.PAYER_NAME), card)
    return after_card(attempt)


def after_card(attempt: Attempt) -> ResponseReturnValue:
    """Send a card payer on: to the bank that asks, back to the form, or to the shop once it has heard."""
    session = attempt.session
    if attempt.challenge:
        return redirect(f"/3ds/{attempt.challenge['id']}", 303)
    if attempt.decline:
        return redirect(f"/c/pay/{session['id']}", 303)
    if attempt.completed:
        out.wait_for_answer(store(), attempt.completed["id"])
    return redirect(frame.success_url(session), 303)


def _by_konbini(session: Json, typed: Mapping[str, str]) -> ResponseReturnValue:
    payer = Payer(typed["email"], typed.get("konbini_name", ""), typed.get("phone", ""))
    with store().write() as tx:
        done = voucher.issue(tx, checkout.find_session(tx, session["id"]), payer)
    return redirect(f"/voucher/{done['payment_intent']}", 303)


def _told(error: Json) -> str:
    reason: str = error.get("decline_code") or error["code"]
    return reason if reason in _TOLD else "generic_decline"


def _form(tx: Tx, session: Json, typed: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    locked = checkout.locked_email(tx, session)
    return frame.show(
        "pay.html",
        session,
        items=session["_sandbox"]["line_items"],
        typed=typed if locked is None else {**typed, "email": locked},
        wrong=wrong,
        locked=locked is not None,
        wallet=switches.get(tx, "wallet_email") if "card" in session["payment_method_types"] else "",
        name_required=switches.get(tx, "konbini_name_required"),
    )
