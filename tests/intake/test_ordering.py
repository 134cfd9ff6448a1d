"""The home page and the order form: everything is checked before anything is made."""

import json
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.intake.grants import incoming_key
from app.kit.ids import digest
from app.models import AuditEntry, Order
from app.portal import Portal
from tests.intake.shopper import CSV, HOST, Shopper, order_of


def _orders(portal: Portal, email: str) -> list[Order]:
    with portal.database.transaction() as session:
        return list(session.scalars(select(Order).where(func.lower(Order.email).contains(email.partition("@")[0]))))


def test_the_home_page_says_what_each_way_to_pay_costs(portal: Portal, client: FlaskClient) -> None:
    page = client.get("/?lang=en").text
    konbini = next(m for m in portal.catalog.methods if m.key == "konbini")
    assert konbini.fee_rate == Decimal("0.036")
    assert "¥1,500. The result opens at once." in page
    assert f"¥{1500 + konbini.handling_on(1500):,}" in page
    assert "Pay in cash within 3 days" in page
    assert f"Can be used from ¥{konbini.smallest_fair_price():,}." in page  # not for the 200 yen product
    assert page.count("<h1>") == 1


def test_the_home_page_is_japanese_first(client: FlaskClient) -> None:
    page = client.get("/").text
    assert '<html lang="ja">' in page
    assert "CSVプロファイル" in page
    assert "1,500円" in page


def test_an_unknown_product_is_said_clearly(client: FlaskClient) -> None:
    answer = client.get("/?product=nope&lang=en")
    assert answer.status_code == 404
    assert "not on sale" in answer.text


def test_an_order_freezes_the_price_and_belongs_to_the_browser(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, f" {email.upper()} ")
    answer = shopper.order(**shopper.about(CSV))
    assert answer.status_code == 201
    assert list(answer.get_json()) == ["order_id", "upload"]
    order = order_of(portal, answer.get_json())
    assert (order.email, order.product, order.price, order.charge) == (
        email,
        "csv-profile",
        1500,
        "after_analysis",
    )
    assert (order.state, order.money, order.locale, order.filename) == ("waiting", "unpaid", "ja", "売上.csv")
    cookie = client.get_cookie("claim", HOST)
    assert cookie
    assert cookie.http_only
    assert order.claim_hash == digest(cookie.value)
    with portal.database.transaction() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.order_id == order.id)).one()
    assert (entry.kind, entry.actor) == ("order.created", "customer")


def test_one_browser_keeps_one_claim(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    first, second = (order_of(portal, shopper.upload()) for _ in range(2))
    assert first.claim_hash == second.claim_hash
    assert first.grant != second.grant


def test_a_claim_that_somebody_else_chose_is_not_kept(portal: Portal, client: FlaskClient, email: str) -> None:
    client.set_cookie("claim", "known-to-the-attacker", domain=HOST)
    order = order_of(portal, Shopper(client, email).upload())
    assert order.claim_hash != digest("known-to-the-attacker")


def test_without_javascript_the_order_page_follows(client: FlaskClient, email: str) -> None:
    answer = Shopper(client, email).order_plainly()
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert 'enctype="multipart/form-data"' in page.text


BAD = [
    ({"product": "nope"}, "product", "unknown_product"),
    ({"product": None}, "product", "unknown_product"),
    ({"email": ""}, "email", "bad_email"),
    ({"email": "no-at-sign"}, "email", "bad_email"),
    ({"email": "a@example.jp, b@example.jp"}, "email", "bad_email"),
    ({"email": "\u212aate@example.jp"}, "email", "bad_email"),
    ({"locale": "fr"}, "locale", "bad_input"),
    ({"filename": "program.exe"}, "file", "wrong_type"),
    ({"filename": "no-extension"}, "file", "wrong_type"),
    ({"size": "0"}, "file", "empty_file"),
    ({"size": "-1"}, "file", "bad_input"),
    ({"size": "1e3"}, "file", "bad_input"),
    ({"size": "٣"}, "file", "bad_input"),
    ({"size": "99999999999999"}, "file", "too_large"),
]


@pytest.mark.parametrize(("change", "error"), [(change, (field, code)) for change, field, code in BAD])
def test_bad_input_is_named_and_nothing_is_made(
    portal: Portal, client: FlaskClient, email: str, change: dict[str, Any], error: tuple[str, str]
) -> None:
    shopper = Shopper(client, email)
    fields = {**shopper.about(CSV), **change}
    answer = shopper.order(**fields)
    assert answer.status_code == 422
    said = answer.get_json()["error"]
    assert (said["field"], said["code"]) == error
    assert said["message"]
    assert shopper.order_plainly(**fields).status_code == 422
    assert _orders(portal, email) == []
    assert client.get_cookie("claim", HOST) is None


def test_javascript_must_say_what_file_it_sends(client: FlaskClient, email: str) -> None:
    answer = Shopper(client, email).order()
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "no_file")


def test_the_form_comes_back_with_the_error_beside_the_field(client: FlaskClient, email: str) -> None:
    client.get("/?lang=en")
    answer = Shopper(client, email).order_plainly(email="taro@")
    assert answer.status_code == 422
    assert 'value="taro@"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Please write it like name@example.jp" in answer.text


def test_an_order_needs_the_csrf_token(portal: Portal, client: FlaskClient, email: str) -> None:
    assert Shopper(client, email).order_plainly(csrf_token=None).status_code == 400
    assert _orders(portal, email) == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/売上.csv", "売上.csv"),
        ("C:\\Users\\taro\\a.csv", "a.csv"),
        ("a\u202evsc.csv", "avsc.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie x.csv"),
        ("<script>.csv", "script.csv"),
        ("あ" * 200 + ".csv", "あ" * 116 + ".csv"),
    ],
)
def test_ac_u09_a_file_name_is_only_text(
    portal: Portal, client: FlaskClient, email: str, sent: str, shown: str
) -> None:
    """A file's name is shown as text and is no part of any key."""
    shopper = Shopper(client, email)
    grant = shopper.order(**shopper.about(CSV, sent)).get_json()
    order = order_of(portal, grant)
    assert order.filename == shown
    assert order.filename not in json.dumps(grant)
    assert incoming_key(order) == f"incoming/{order.id}/{order.grant}"
