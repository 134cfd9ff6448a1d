"""Events in any order (AC-W06)."""

from itertools import permutations

import stripe
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from app.gateways.stripe import API_VERSION
from app.models import AuditEntry, Mail, Order, Payment, Refund
from app.portal import Portal
from app.webhooks.service import handle
from tests.checkout.shop import audit, go_to_stripe, order_of, payments
from tests.helpers import Sandbox, reload
from tests.webhooks.deliveries import keep
from tests.webhooks.test_handling import held


def rewind(portal: Portal, order: Order, states: dict[str, str]) -> None:
    """Put the ledger back to the moment before any of the events came."""
    with portal.database.transaction() as session:
        session.execute(update(Order).where(Order.id == order.id).values(money="unpaid", paid_at=None, attention=None))
        for payment_id, state in states.items():
            session.execute(delete(Refund).where(Refund.payment_id == payment_id))
            columns = {"state": state, "paid_at": None, "amount_refunded": 0, "anomaly": None}
            session.execute(update(Payment).where(Payment.id == payment_id).values(columns))
        for model in (Mail, AuditEntry):
            session.execute(delete(model).where(model.order_id == order.id))


def test_ac_w06_every_order_of_events_ends_in_what_stripe_shows(
    portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """Every permutation of the events of an order's life ends in the state that Stripe shows."""
    order = order_of(portal, client)
    with held(sandbox):
        left = go_to_stripe(client, order, "card")
        late = go_to_stripe(client, order, "konbini")  # closes the first
        sandbox.control(f"sessions/{late}/issue_voucher")
        sandbox.control(f"sessions/{late}/expire_voucher")
        handle(keep(portal, "checkout.session.async_payment_failed", id=late))
        paid = go_to_stripe(client, order, "konbini")
        sandbox.control(f"sessions/{paid}/issue_voucher")
        sandbox.control(f"sessions/{paid}/pay_at_till")
        handle(keep(portal, "checkout.session.completed", id=paid))
        intent = str(payments(portal, order)[-1].payment_intent_id)
        api = stripe.StripeClient("sk_test_dummy", base_addresses={"api": sandbox.stripe}, stripe_version=API_VERSION)
        refund = api.v1.refunds.create({"payment_intent": intent})
        sandbox.control(f"refunds/{refund.id}/outcome", {"status": "succeeded"})

        events = (
            ("checkout.session.completed", {"id": paid}),
            ("checkout.session.async_payment_succeeded", {"id": paid}),
            ("charge.refunded", {"id": "ch_1", "payment_intent": intent}),
            ("checkout.session.async_payment_failed", {"id": late}),
            ("checkout.session.expired", {"id": left}),
        )
        before = dict(zip((p.id for p in payments(portal, order)), ("abandoned", "awaiting", "open"), strict=True))
        for ordering in permutations(events):
            rewind(portal, order, before)
            for type_, subject in ordering:
                handle(keep(portal, type_, **subject))
            names = [type_ for type_, _ in ordering]
            assert [p.state for p in payments(portal, order)] == ["expired", "failed", "refunded"], names
            now = reload(portal, order)
            assert (now.money, now.attention) == ("refunded", None), names
            # Paid before it was refunded: a worker that other tests have started may have made the bundle meanwhile.
            assert now.state in ("analysed", "delivered"), names
            kinds = audit(portal, order)
            assert (kinds.count("money.paid"), kinds.count("money.refunded")) == (1, 1), names
