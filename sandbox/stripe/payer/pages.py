"""The payer's pages: hosted checkout and voucher. They work without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.stripe.errors import ApiError, NotFoundError, StateError
from sandbox.stripe.objects.account import DISPLAY_NAME
from sandbox.stripe.objects.session_rules import plausible_email
from sandbox.stripe.payer import cards, checkout, konbini
from sandbox.stripe.running import store
from sandbox.stripe.store import Json
from sandbox.stripe.texts import language
from sandbox.stripe.webhooks import out

blueprint = Blueprint("pages", __name__)


@blueprint.get("/c/pay/<session_id>")
def pay(session_id: str) -> ResponseReturnValue:
    """Show the payment form, or say that it is closed."""
    with store().read() as tx:
        session = checkout.find_session(tx, session_id)
    if session["status"] != "open":
        return _closed(session)
    methods = session["payment_method_types"]
    typed = {"email": session["customer_email"] or "", "method": methods[0]}
    return _form(session, typed, {})


@blueprint.post("/c/pay/<session_id>")
def submit(session_id: str) -> ResponseReturnValue:
    """Take the form: to the shop after a card, to the voucher after konbini, back to the form on a fault."""
    typed = {name: value.strip() for name, value in request.form.items()}
    with store().read() as tx:
        session = checkout.find_session(tx, session_id)
    if session["customer"]:
        with store().read() as tx:
            owner = tx.get(session["customer"])
            typed["email"] = owner["email"] if owner else ""
    wrong = _faults(session, typed)
    if wrong:
        return _form(session, typed, wrong)
    try:
        return _voucher(session, typed) if typed["method"] == "konbini" else _card(session, typed)
    except StateError:
        with store().read() as tx:
            return _closed(checkout.find_session(tx, session_id))


def _faults(session: Json, typed: Mapping[str, str]) -> dict[str, str]:
    """Give field name -> text key of what is wrong with it."""
    wrong = {} if plausible_email(typed.get("email", "")) else {"email": "bad_email"}
    method = typed.get("method")
    if method not in session["payment_method_types"]:
        return wrong | {"method": "bad_method"}
    if method == "konbini":
        if not typed.get("konbini_name"):
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


def _card(session: Json, typed: Mapping[str, str]) -> ResponseReturnValue:
    card = cards.read(typed["card_number"], typed["card_expiry"], typed["card_cvc"])
    if isinstance(card, str):
        return _form(session, typed, {card: f"bad_{card}"})
    with store().write() as tx:
        fresh = checkout.find_session(tx, session["id"])
        attempt = checkout.pay_card(tx, fresh, checkout.Payer(typed["email"], typed["card_name"]), card)
    if attempt.decline:
        reason: str = attempt.decline.get("decline_code") or attempt.decline["code"]
        return _form(session, typed, {"card_number": reason})
    if attempt.completed:
        out.wait_for_answer(store(), attempt.completed["id"])
    return redirect(_success_url(session), 303)


def _voucher(session: Json, typed: Mapping[str, str]) -> ResponseReturnValue:
    payer = checkout.Payer(typed["email"], typed["konbini_name"], typed.get("phone", ""))
    with store().write() as tx:
        done = checkout.issue_voucher(tx, checkout.find_session(tx, session["id"]), payer)
    return redirect(f"/voucher/{done['payment_intent']}", 303)


@blueprint.get("/voucher/<intent_id>")
def voucher(intent_id: str) -> ResponseReturnValue:
    """Show the slip: amount, deadline, codes for each chain; or that it is paid or over."""
    with store().read() as tx:
        intent = tx.get(intent_id, "payment_intent")
        if intent is None or not intent["payment_method"] or "konbini" not in intent["payment_method_types"]:
            raise NotFoundError(f"No such voucher: {intent_id}")
        session = checkout.find_session(tx, intent["_sandbox"]["session"])
    action = intent["next_action"]
    return render_template(
        "voucher.html",
        session=session,
        intent=intent,
        details=action["konbini_display_details"] if action else None,
        shop=_shop(session),
        back=_back_to_shop(session),
        lang=language(session["locale"]),
    )


@blueprint.get("/receipt/<charge_id>")
def receipt(charge_id: str) -> ResponseReturnValue:
    """Show the receipt of a successful charge, as `receipt_url` promises."""
    with store().read() as tx:
        charge = tx.get(charge_id, "charge")
        intent = tx.get(charge["payment_intent"]) if charge else None
        if charge is None or intent is None or not charge["receipt_url"]:
            raise NotFoundError(f"No such receipt: {charge_id}")
        session = checkout.find_session(tx, intent["_sandbox"]["session"])
    return render_template(
        "receipt.html",
        charge=charge,
        items=session["_sandbox"]["line_items"],
        shop=_shop(session),
        lang=language(session["locale"]),
    )


@blueprint.errorhandler(ApiError)
def missing(error: ApiError) -> ResponseReturnValue:
    """Say that there is no such page."""
    return render_template("missing.html", lang=language(None)), error.status


def _form(session: Json, typed: Mapping[str, str], wrong: Mapping[str, str]) -> ResponseReturnValue:
    locked = bool(session["customer"])
    if locked:
        with store().read() as tx:
            owner = tx.get(session["customer"])
        typed = {**typed, "email": owner["email"] if owner else ""}
    page = render_template(
        "pay.html",
        session=session,
        items=session["_sandbox"]["line_items"],
        typed=typed,
        wrong=wrong,
        locked=locked,
        shop=_shop(session),
        lang=language(session["locale"]),
    )
    return page, 422 if wrong else 200


def _closed(session: Json) -> ResponseReturnValue:
    paid = session["payment_status"] == "paid"
    return render_template(
        "closed.html",
        session=session,
        voucher=session["payment_intent"] if session["status"] == "complete" and not paid else None,
        back=_success_url(session) if paid else _back_to_shop(session),
        shop=_shop(session),
        lang=language(session["locale"]),
    )


def _success_url(session: Json) -> str:
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _back_to_shop(session: Json) -> str:
    # Never success_url itself: a konbini payer has not paid yet (stripe.md, trap 4).
    if session["cancel_url"]:
        return str(session["cancel_url"])
    parts = urlsplit(session["success_url"])
    return f"{parts.scheme}://{parts.netloc}/"


def _shop(session: Json) -> str:
    branding = session["branding_settings"] or {}
    return str(branding.get("display_name") or DISPLAY_NAME)
