"""Choosing how to pay, the last screen before Stripe's page, and the way back from it."""

import structlog
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from app.checkout.service import VoucherWaitingError, offer_of, payable, start, voucher_of
from app.checkout.settle import NotOurSessionError, settle
from app.checkout.terms import changed_since, deadline, six_points
from app.errors import ConflictError, NotFoundError, PortalError, StripeDownError, StripeRefusedError
from app.kit.konbini import chain_names
from app.models import Order, Payment
from app.models.payment import OPEN_STATES
from app.orders.access import may_open, order_for_payer, order_for_viewer
from app.orders.situation import situation
from app.orders.states import PAID
from app.portal import portal
from app.web.errors import show_error
from app.web.limits import limits_on, network_mark
from app.web.texts import locale

blueprint = Blueprint("checkout", __name__)

SETTLED = (*PAID, "refunded")  # the return page has nothing to learn of these
LOOKS = 20
LOOK_AGAIN_S = 3
KEPT = "pay"  # in the browser's session: [order, token] of the pay link last used, for the way back from Stripe

log = structlog.get_logger()


@blueprint.get("/orders/<order_id>/pay")
def choose(order_id: str) -> ResponseReturnValue:
    """Ask for the method; with `method`, show the last screen before paying by it."""
    order = _order(order_id)
    if not payable(order):
        return _where_it_stands(order)
    method, voucher = request.args.get("method"), voucher_of(order)
    if not method or (voucher and method == "konbini"):
        return _choice(order)
    return render_template(
        "checkout/confirm.html",
        order=order,
        offer=(offer := offer_of(order, method)),
        points=six_points(order, offer),
        changed=changed_since(order),
        known=[terms.version for terms in portal.catalog.earlier_terms],
        voucher=voucher,
        token=_token(order_id),
    )


@blueprint.post("/orders/<order_id>/pay")
def pay(order_id: str) -> ResponseReturnValue:
    """Go to Stripe's page."""
    order, token = _order(order_id), _token(order_id)
    offer = offer_of(order, request.form.get("method", ""))
    terms = portal.catalog.terms.version
    if request.form.get("terms", terms) != terms:
        flash(gettext("Our conditions were changed a moment ago. Please look at them once more."), "warn")
        return redirect(url_for("checkout.choose", order_id=order.id, method=offer.method.key, t=token), 303)
    try:
        url = start(
            order.id,
            offer.method.key,
            voucher_known="voucher_known" in request.form,
            network=network_mark() if limits_on() else None,
        )
    except VoucherWaitingError:
        return redirect(url_for("checkout.choose", order_id=order.id, t=token), 303)
    except ConflictError:
        return _where_it_stands(_order(order_id))
    if token:
        browser[KEPT] = [order.id, token]
    return redirect(url, 303)


@blueprint.get("/orders/<order_id>/return")
def returned(order_id: str) -> ResponseReturnValue:
    """Come back from Stripe's page: look at the payment at once rather than wait for the webhook.

    While nothing is known (Stripe is silent, or has not made up its mind) the page says so and asks again by itself,
    `look` by `look`; after the last one the order's page goes on waiting, for the webhook or the reconciler.
    """
    session_id, look = request.args.get("session_id", ""), request.args.get("look", 0, int)
    payment = _payment(_order(order_id), session_id)
    if payment and payment.state not in SETTLED:
        try:
            settle(session_id, patient=False)
        except (StripeDownError, StripeRefusedError, NotOurSessionError) as error:
            log.warning("checkout.return_unsettled", order_id=order_id, session_id=session_id, why=type(error).__name__)
    order = _order(order_id)
    payment = _payment(order, session_id)
    if payment and payment.state in OPEN_STATES and look < LOOKS:
        again = url_for("checkout.returned", order_id=order.id, session_id=session_id, look=look + 1)
        return render_template("checkout/confirming.html", order=order, again=again, look_again_s=LOOK_AGAIN_S)
    if request.headers.get("HX-Request"):  # the waiting page asks: leave it
        there = url_for("checkout.returned", order_id=order.id, session_id=session_id, look=LOOKS)
        return "", 200, {"HX-Redirect": there}
    return _where_it_stands(order)


def _payment(order: Order, session_id: str) -> Payment | None:
    """Return the order's attempt with this Checkout Session; another order's session is none of it."""
    return next((payment for payment in order.payments if session_id and payment.session_id == session_id), None)


@blueprint.errorhandler(StripeDownError)
@blueprint.errorhandler(StripeRefusedError)
def no_payment_page(error: PortalError) -> ResponseReturnValue:
    """Say that the payment can't begin now, and offer to try again."""
    log.error("checkout.stripe_failed", code=error.code, exc_info=error)
    order_id = str((request.view_args or {})["order_id"])
    again = url_for("checkout.choose", order_id=order_id, t=_token(order_id))
    return show_error(error.status, error.code, next_step=(gettext("Try again"), again))


def _order(order_id: str) -> Order:
    with portal.database.transaction() as session:
        return _order_in(session, order_id)


def _order_in(session: Session, order_id: str) -> Order:
    try:
        return order_for_viewer(session, order_id)
    except NotFoundError:
        return order_for_payer(session, order_id, _token(order_id))


def _token(order_id: str) -> str | None:
    """Return the pay link's token: of the address, of the form, or of the link that this browser came by."""
    given = request.values.get("t")
    kept = browser.get(KEPT) or ["", None]
    return given or (kept[1] if kept[0] == order_id else None)


def _choice(order: Order) -> str:
    offers = portal.catalog.offers(order.price)
    return render_template(
        "checkout/choose.html",
        order=order,
        product=portal.catalog.product(order.product),
        offers=offers,
        deadlines={offer.method.key: deadline(offer) for offer in offers},
        stores=chain_names(locale()),
        voucher=voucher_of(order),
        token=_token(order.id),
    )


def _where_it_stands(order: Order) -> ResponseReturnValue:
    """Lead to the order's page, or tell whoever only has the pay link how things are."""
    if may_open(order):
        return redirect(url_for("orders.show", order_id=order.id), 303)
    return render_template("checkout/standing.html", order=order, now=situation(order))
