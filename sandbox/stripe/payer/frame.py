"""What all of the payer's pages share: the shop's name, the ways back to it, the language of the session."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from sandbox.stripe.errors import ApiError
from sandbox.stripe.objects.account import DISPLAY_NAME
from sandbox.stripe.store import Json
from sandbox.stripe.texts import language

blueprint = Blueprint("pages", __name__)


def show(template: str, session: Json, **values: Any) -> str:  # noqa: ANN401  (template values)
    """Render a page about a session."""
    branding = session["branding_settings"] or {}
    return render_template(
        template,
        session=session,
        shop=branding.get("display_name") or DISPLAY_NAME,
        lang=language(session["locale"]),
        here=f"#{session['id']}",
        **values,
    )


def closed(session: Json) -> str:
    """Say that the form can no longer be submitted, and where to go."""
    paid = session["payment_status"] == "paid"
    voucher = session["payment_intent"] if session["status"] != "expired" and not paid else None
    back = success_url(session) if paid else back_to_shop(session)
    return show("closed.html", session, voucher=voucher, back=back)


def success_url(session: Json) -> str:
    """Give the address to which a payment that arrived leads."""
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def back_to_shop(session: Json) -> str:
    """Give the way back for who has not paid: never success_url, where Stripe never sends a konbini payer.

    Source: https://docs.stripe.com/payments/konbini/accept-a-payment
    """
    if session["cancel_url"]:
        return str(session["cancel_url"])
    parts = urlsplit(session["success_url"])
    return f"{parts.scheme}://{parts.netloc}/"


@blueprint.errorhandler(ApiError)
def missing(error: ApiError) -> ResponseReturnValue:
    """Say that there is no such page."""
    return render_template("missing.html", lang=language(None)), error.status
