"""One person under several spellings or addresses: Stripe is asked for each, and access rests on the order alone."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.ids import new_id
from app.models import Order
from app.orders.owners import carry_over
from app.portal import Portal
from tests.helpers import Sandbox, make_order, make_payment
from tests.history.people import log_in
from tests.history.test_page import RESULT, SILENT, deaf, numbers, page, pay_at_stripe
from tests.login.steps import log_in as log_in_by_mail
from tests.login.steps import post

__all__ = ["deaf"]  # a fixture

MINUTE = timedelta(minutes=1)


def test_ac_l19_bought_in_capitals_and_seen_in_small_letters(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """Ordered as TARO@EXAMPLE.JP, logged in as taro@example.jp: the history shows the order, and Stripe's payment."""
    there = post(client, "/orders", product="csv-profile", email=email.upper(), locale="ja").location
    with portal.database.transaction() as session:
        order = session.get_one(Order, there.rpartition("/")[2])
    assert order.email == email
    pay_at_stripe(portal, sandbox, order.email, order.id)
    only_stripe = new_id()
    pay_at_stripe(portal, sandbox, order.email, only_stripe)
    log_in_by_mail(client, portal, email.title())
    text = page(client)
    assert order.id in text
    assert numbers(text) == [only_stripe[:8]]


def test_ac_l24_stripe_is_asked_for_all_addresses(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """After two changes, what was paid under the first address is still found, and its result still opens."""
    second, third = f"second-{email}", f"third-{email}"
    order = make_order(portal, email=email, state="delivered", money="paid", delivery=RESULT)
    make_payment(portal, order, state="paid", session_id=pay_at_stripe(portal, sandbox, email, order.id))
    lost = [new_id(), new_id()]  # what only Stripe knows
    pay_at_stripe(portal, sandbox, email, lost[0])
    pay_at_stripe(portal, sandbox, second, lost[1])
    with portal.database.transaction() as session:
        carry_over(session, email, second, portal.clock() + MINUTE)
        carry_over(session, second, third, portal.clock() + MINUTE)
    text = page(log_in(portal, client, third))
    assert f"/orders/{order.id}/files/result.zip" in text
    assert sorted(numbers(text)) == sorted(order_id[:8] for order_id in lost)
    assert order.id not in page(log_in(portal, client, email))


def test_ac_l24_what_the_next_owner_of_an_address_buys_is_theirs(
    portal: Portal, client: FlaskClient, sandbox: Sandbox, email: str
) -> None:
    """Payments under a former address that were begun after the change do not turn up with the new one."""
    with portal.database.transaction() as session:
        carry_over(session, email, f"new-{email}", portal.clock() - MINUTE)
    bought = new_id()
    pay_at_stripe(portal, sandbox, email, bought)
    assert numbers(page(log_in(portal, client, f"new-{email}"))) == []
    assert numbers(page(log_in(portal, client, email))) == [bought[:8]]


def test_one_silent_answer_is_said_and_hides_nothing(
    portal: Portal, client: FlaskClient, deaf: FlaskClient, email: str
) -> None:
    order = make_order(portal, email=email, state="delivered", money="paid", delivery=RESULT)
    with portal.database.transaction() as session:
        carry_over(session, email, f"new-{email}", portal.clock())
    text = page(log_in(portal, deaf, f"new-{email}"))
    assert SILENT in text
    assert f"/orders/{order.id}/files/result.zip" in text


def test_orders_do_not_stay_with_the_former_address(portal: Portal, client: FlaskClient, email: str) -> None:
    moved = make_order(portal, email=email)
    with portal.database.transaction() as session:
        carry_over(session, email, f"new-{email}", portal.clock())
    kept = make_order(portal, email=email)
    assert moved.id not in page(log_in(portal, client, email))
    assert kept.id in page(client)
    text = page(log_in(portal, client, f"new-{email}"))
    assert moved.id in text
    assert kept.id not in text
    with portal.database.transaction() as session:
        assert session.scalar(select(Order.email).where(Order.id == kept.id)) == email
