"""AC-L20: the address that a payer has at Stripe grants nothing; the order's own address does."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkout.settle import NotOurSessionError, settle
from app.kit.ids import new_id
from app.models import Mail, Order
from app.portal import Portal
from tests.checkout.shop import ask_stripe, audit, go_to_stripe, order_of, payments, press_pay
from tests.conftest import Browser
from tests.helpers import Sandbox, reload
from tests.history.people import log_in

CARD = {"action": "pay_card"}
WALLET = {"action": "pay_card", "wallet": "apple_pay"}
KONBINI = {"action": "issue_voucher", "method": "konbini"}


def browser_of(portal: Portal, app: Flask, email: str) -> FlaskClient:
    """Give a browser of its own in which an address is logged in."""
    return log_in(portal, Browser(app, app.response_class), email)


def pay_as(sandbox: Sandbox, session_id: str, email: str, *, action: str, **fields: str) -> None:
    """Pay on Stripe's page with another e-mail address than ours; Stripe may let the payer change it."""
    fields.pop("method", None)
    sandbox.control(f"sessions/{session_id}/{action}", {"email": email, **fields})
    if action == "issue_voucher":
        sandbox.control(f"sessions/{session_id}/pay_at_till")
    settle(session_id)


def sees_nothing(person: FlaskClient, order_id: str) -> None:
    """Check that a person can neither see an order nor anything of it in their history."""
    history = person.get("/history?lang=en")
    assert history.status_code == 200
    assert "There is no order with this address yet." in history.text
    assert order_id[:8] not in history.text
    for page in ("", "/status", "/pay", "/files/result.zip", "/preview/plot.png"):
        assert person.get(f"/orders/{order_id}{page}").status_code == 404, page


def addressed(portal: Portal, order: Order) -> set[str]:
    """Return to whom the mails about an order go."""
    with portal.database.transaction() as session:
        return set(session.scalars(select(Mail.to).where(Mail.order_id == order.id)))


@pytest.mark.parametrize("way", [CARD, WALLET, KONBINI], ids=["card", "wallet", "konbini"])
def test_ac_l20_who_pays_as_a_victim_plants_nothing(
    way: dict[str, str], portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """A guest who types a victim's address at Stripe puts nothing into the victim's history and takes nothing out."""
    victim = browser_of(portal, app, email)
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order, way.get("method", "card"))
    pay_as(sandbox, session_id, email, **way)
    (payment,) = payments(portal, order)
    assert (payment.state, payment.stripe_email) == ("paid", email), "the stand-in took the typed address"
    assert reload(portal, order).email == order.email
    sees_nothing(victim, order.id)
    assert addressed(portal, order) <= {order.email}
    assert client.get(f"/orders/{order.id}").status_code == 200, "the browser that ordered"
    owner = browser_of(portal, app, order.email)
    assert order.id in owner.get("/history").text


def test_ac_l20_who_pays_a_victims_order_gets_nothing_of_it(
    portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """Somebody with the pay link pays another person's order with their own address: the result is not theirs."""
    order = order_of(portal, client)
    helper = browser_of(portal, app, email)
    link = portal.signer.sign("pay-link", order.id)
    session_id = go_to_stripe(helper, order, t=link)
    pay_as(sandbox, session_id, email, **CARD)
    assert reload(portal, order).money == "paid"
    with helper.session_transaction() as kept:
        kept.clear()  # the pay link, which this browser came by
    sees_nothing(helper, order.id)
    assert addressed(portal, order) <= {order.email}


@pytest.mark.parametrize("metadata", [{}, {"portal": "another-shop"}, {"portal": "kaiseki-demo"}], ids=str)
def test_ac_l20_a_payment_link_of_other_business_changes_no_order(
    metadata: dict[str, str], portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """A Payment Link's address takes any client_reference_id: naming a victim's order there pays and shows nothing."""
    order = order_of(portal, client, email=email)
    told = {"order_id": order.id, "attempt": new_id(), **metadata} if metadata else {}
    made = foreign_session(sandbox, order.id, f"thief-{email}", told)
    sandbox.control(f"sessions/{made}/from_payment_link", {"payment_link": "plink_other_business"})
    sandbox.control(f"sessions/{made}/pay_card", {"email": email})
    with pytest.raises(NotOurSessionError):
        settle(made)
    fresh = reload(portal, order)
    assert (fresh.money, fresh.state, fresh.attention) == ("unpaid", "analysed", None)
    assert payments(portal, order) == []
    assert audit(portal, order) == []
    text = browser_of(portal, app, email).get("/history?lang=en").text
    assert text.count(f'href="/orders/{order.id}"') == 1
    assert client.get(f"/orders/{order.id}/files/result.zip").status_code == 409, "still to be paid"


def foreign_session(sandbox: Sandbox, reference: str, email: str, metadata: dict[str, str]) -> str:
    """Make a Checkout Session as other business on the same Stripe account does; give its id."""
    params: dict[str, Any] = {
        "mode": "payment",
        "success_url": "http://127.0.0.1/elsewhere",
        "client_reference_id": reference,
        "line_items[0][quantity]": 1,
        "line_items[0][price_data][currency]": "jpy",
        "line_items[0][price_data][unit_amount]": 1500,
        "line_items[0][price_data][product_data][name]": "A book",
        **{f"metadata[{name}]": value for name, value in metadata.items()},
    }
    return str(ask_stripe(sandbox, "checkout/sessions", customer_email=email, **params)["id"])


def test_ac_l20_an_order_that_the_ledger_lost_is_not_planted_either(
    portal: Portal, app: Flask, sandbox: Sandbox, email: str
) -> None:
    """Even where only Stripe knows an order, its payer's typed address does not put it into a victim's history."""
    lost = new_id()
    ours = {"portal": portal.catalog.portal.id, "order_id": lost, "attempt": new_id()}
    session_id = foreign_session(sandbox, lost, f"thief-{email}", ours)
    sandbox.control(f"sessions/{session_id}/pay_card", {"email": email})
    sees_nothing(browser_of(portal, app, email), lost)


@pytest.mark.parametrize("method", ["card", "konbini"])
def test_ac_l20_the_address_at_stripe_is_ours(
    method: str, portal: Portal, app: Flask, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """Every Checkout Session is made with the order's own address, whoever pays and whatever the form says."""
    order = order_of(portal, client)
    typed = {"email": email, "customer_email": email}
    session_id = press_pay(client, order, method, **typed).location.rsplit("/", 1)[-1]
    assert portal.stripe.retrieve_session(session_id)["customer_email"] == order.email
    another = order_of(portal, client)
    payer = browser_of(portal, app, email)
    session_id = go_to_stripe(payer, another, method, t=portal.signer.sign("pay-link", another.id), **typed)
    assert portal.stripe.retrieve_session(session_id)["customer_email"] == another.email
