"""expand[]: where it works, what it gives, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Stripe


@pytest.fixture(scope="module")
def paid(api: Stripe) -> stripe.checkout.Session:
    """Give a session that was paid by card and refunded in part."""
    session: Any = api.paid_by_card(customer_email="expander@example.com")
    api.client.v1.refunds.create({"payment_intent": session.payment_intent.id, "amount": 100})
    return api.sessions.retrieve(session.id)


def test_what_is_not_asked_for_is_an_id(paid: stripe.checkout.Session) -> None:
    assert str(paid.payment_intent).startswith("pi_")
    assert str(paid.customer).startswith("cus_")
    assert "line_items" not in paid


def test_several_paths_at_once_each_whole(api: Stripe, paid: stripe.checkout.Session) -> None:
    paths = ["customer", "line_items", "payment_intent.latest_charge.refunds", "payment_intent.customer"]
    found: Any = api.sessions.retrieve(paid.id, {"expand": paths})
    assert found.customer.email == "expander@example.com"
    assert found.line_items.data[0].amount_total == 1500
    assert found.payment_intent.customer.id == found.customer.id
    assert [refund.amount for refund in found.payment_intent.latest_charge.refunds.data] == [100]
    # What was expanded once is not stored expanded.
    assert str(api.sessions.retrieve(paid.id).payment_intent).startswith("pi_")


def test_lists_expand_below_data(api: Stripe, paid: stripe.checkout.Session) -> None:
    params: Any = {"payment_intent": str(paid.payment_intent), "expand": ["data.payment_intent.latest_charge"]}
    (found,) = api.sessions.list(params).data
    charge: Any = found.payment_intent.latest_charge  # type: ignore[union-attr]
    assert charge.amount_refunded == 100


def test_every_kind_of_call_expands(api: Stripe, paid: stripe.checkout.Session) -> None:
    v1 = api.client.v1
    intent: Any = v1.payment_intents.retrieve(str(paid.payment_intent), {"expand": ["latest_charge"]})
    charge: Any = v1.charges.retrieve(intent.latest_charge.id, {"expand": ["balance_transaction"]})
    assert charge.balance_transaction.fee == 54
    refund: Any = v1.refunds.create(
        {"charge": charge.id, "amount": 1, "expand": ["charge.payment_intent", "balance_transaction"]}
    )
    assert refund.charge.payment_intent.id == intent.id
    assert refund.balance_transaction.amount == -1
    fresh: Any = api.create(expand=["line_items"])
    assert fresh.line_items.data[0].amount_total == 1500
    expired: Any = api.sessions.expire(fresh.id, {"expand": ["line_items"]})
    assert expired.line_items.data[0].amount_total == 1500


def test_nothing_there_stays_null(api: Stripe) -> None:
    found = api.sessions.retrieve(api.create().id, {"expand": ["payment_intent.latest_charge", "customer", "invoice"]})
    assert (found.payment_intent, found.customer, found.invoice) == (None, None, None)


@pytest.mark.parametrize(
    "path", ["status", "metadata", "nonsense", "customer_details", "payment_intent.status", "data"]
)
def test_what_cannot_be_expanded_is_refused(api: Stripe, paid: stripe.checkout.Session, path: str) -> None:
    error = api.refusal(lambda: api.sessions.retrieve(paid.id, {"expand": [path]}))
    assert error.http_status == 400
    assert f"This property cannot be expanded ({path})." in str(error)


def test_a_list_hints_at_data(api: Stripe) -> None:
    error = api.refusal(lambda: api.sessions.list({"expand": ["payment_intent"]}))
    assert "This property cannot be expanded (payment_intent)." in str(error)
    assert "You may want to try expanding 'data.payment_intent' instead." in str(error)


def test_four_levels_and_no_more(api: Stripe, paid: stripe.checkout.Session) -> None:
    """In a list, `data` is one of the four: https://github.com/stripe/stripe-java/issues/2011."""
    intent = str(paid.payment_intent)
    api.client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.refunds.data.balance_transaction"]})
    api.sessions.list({"limit": 1, "expand": ["data.payment_intent.latest_charge.refunds"]})
    for act in (
        lambda: api.sessions.retrieve(paid.id, {"expand": ["payment_intent.latest_charge.refunds.data.charge"]}),
        lambda: api.sessions.list({"expand": ["data.payment_intent.latest_charge.refunds.data"]}),
    ):
        error = api.refusal(act)
        assert error.code == "property_expansion_max_depth"
        assert "You cannot expand more than 4 levels of a property. Property: " in str(error)


def test_a_refused_expand_leaves_nothing_done(api: Stripe) -> None:
    session = api.create()
    api.refusal(lambda: api.sessions.expire(session.id, {"expand": ["nonsense"]}))
    assert api.sessions.retrieve(session.id).status == "open"


def test_details_that_are_no_objects_are_shown_when_asked_for(api: Stripe, paid: stripe.checkout.Session) -> None:
    plain: Any = api.sessions.retrieve(paid.id)
    assert "breakdown" not in plain.total_details
    asked = ["total_details.breakdown", "line_items.data.discounts"]
    whole: Any = api.sessions.retrieve(paid.id, {"expand": asked})
    assert whole.total_details.breakdown.to_dict() == {"discounts": [], "taxes": []}
    assert [item.discounts for item in whole.line_items.data] == [[]]


def test_the_card_of_a_payment_is_an_object_of_its_own(api: Stripe, paid: stripe.checkout.Session) -> None:
    intent: Any = api.client.v1.payment_intents.retrieve(str(paid.payment_intent), {"expand": ["payment_method"]})
    method = api.client.v1.payment_methods.retrieve(intent.payment_method.id)
    assert method.to_dict() == intent.payment_method.to_dict()
    assert (method.type, method.card and method.card.last4) == ("card", "4242")
