"""AC-T02: which text a customer saw is kept with the order and with each payment; a change is told before paying."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import select, update

from app import create_app
from app.models import Order
from app.orders.records import keep, recall
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.checkout.shop import go_to_stripe, hidden, order_of, payments
from tests.conftest import Browser
from tests.helpers import ROOT, reload
from tests.login.steps import post

NEW = "2027-01-01"
OLD = 'version = "2026-11-22"'
EARLIER = f"""
[[earlier_terms]]
{OLD}
refund = {{ ja = "前は七日以内", en = "Seven days then" }}
delivery = {{ ja = "前の提供時期", en = "Delivery then" }}
environment = {{ ja = "前の動作環境", en = "Environment then" }}
"""


@pytest.fixture
def later(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """Give the portal on the same database after its terms were changed; the earlier ones are kept."""
    text = (ROOT / "catalog.toml").read_text(encoding="utf-8")
    assert OLD in text
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(text.replace(OLD, f'version = "{NEW}"') + EARLIER, encoding="utf-8")
    app = create_app(settings.model_copy(update={"catalog": catalog}))
    prose = {
        f"legal/terms-2026-11-22.{lang}.html": (ROOT / f"templates/legal/terms.{lang}.html").read_text(encoding="utf-8")
        for lang in ("ja", "en")
    }
    assert app.jinja_loader is not None
    app.jinja_loader = ChoiceLoader([DictLoader(prose), app.jinja_loader])
    yield app
    app.extensions[EXTENSION].database.close()


def test_ac_t02_an_order_keeps_the_version_that_its_form_named(portal: Portal, client: FlaskClient, email: str) -> None:
    """The form of an order names the terms' version, and the order keeps it, in the object store too."""
    assert "Terms of use, version 2026-11-22" in client.get("/?product=csv-profile&lang=en").text
    made = post(client, "/orders", product="csv-profile", email=email)
    assert made.status_code == 303
    with portal.database.transaction() as session:
        order = session.scalars(select(Order).where(Order.email == email)).one()
    assert order.terms_version == portal.catalog.terms.version == "2026-11-22"
    keep(portal.storage, "order", order, uploaded_at=portal.clock())
    assert recall(portal.storage, order.id)["terms_version"] == "2026-11-22"


def test_ac_t02_a_payment_keeps_the_version_of_its_last_screen(portal: Portal, client: FlaskClient) -> None:
    """Every attempt to pay keeps the version that the last screen named, in the ledger and at Stripe."""
    order = order_of(portal, client, terms_version="2026-11-22")
    page = client.get(f"/orders/{order.id}/pay?method=card&lang=en")
    assert "Terms of use, version 2026-11-22" in page.text
    assert hidden(page, "terms") == "2026-11-22"
    assert "have changed" not in page.text
    session_id = go_to_stripe(client, order, terms="2026-11-22")
    (payment,) = payments(portal, order)
    assert payment.terms_version == "2026-11-22"
    assert portal.stripe.retrieve_session(session_id)["metadata"]["terms"] == "2026-11-22"


def test_ac_t02_a_change_is_told_before_paying(portal: Portal, client: FlaskClient, later: Flask) -> None:
    """Terms that changed after the order are told on the last screen, with a way to both versions."""
    order = order_of(portal, client, terms_version="2026-11-22")
    first = go_to_stripe(client, order)
    after = same_browser(client, later)
    page = after.get(f"/orders/{order.id}/pay?method=card&lang=en")
    assert f"version {NEW} applies now, it was 2026-11-22 then" in page.text
    assert 'href="/legal/terms/2026-11-22"' in page.text
    second = go_to_stripe(after, order, terms=NEW)
    assert second != first, "a page at Stripe that was made under the earlier terms is not used again"
    assert [(p.state, p.terms_version) for p in payments(portal, order)] == [("expired", "2026-11-22"), ("open", NEW)]
    assert reload(portal, order).terms_version == "2026-11-22"


def test_ac_t02_a_change_while_reading_is_shown_first(portal: Portal, client: FlaskClient, later: Flask) -> None:
    """A last screen that was opened before the change pays nothing: the new one is shown."""
    order = order_of(portal, client)
    after = same_browser(client, later)
    page = after.get(f"/orders/{order.id}/pay?method=card&lang=en")
    form = {"csrf_token": hidden(page, "csrf_token"), "method": "card", "terms": "2026-11-22"}
    answer = after.post(f"/orders/{order.id}/pay", data=form)
    assert (answer.status_code, answer.location) == (303, f"/orders/{order.id}/pay?method=card")
    assert "Our conditions were changed a moment ago" in after.get(answer.location).text
    assert payments(portal, order) == []


def test_ac_t02_an_order_from_before_is_told_nothing(portal: Portal, client: FlaskClient, later: Flask) -> None:
    """An order that knows no version, being older than this, is not told of a change."""
    order = order_of(portal, client)
    with portal.database.transaction() as session:
        session.execute(update(Order).where(Order.id == order.id).values(terms_version=None))
    assert "have changed" not in same_browser(client, later).get(f"/orders/{order.id}/pay?method=card&lang=en").text


def test_ac_t02_earlier_terms_stay_readable(later: Flask, client: FlaskClient) -> None:
    """The text of an earlier version is shown as it was, and says which one applies now."""
    after = Browser(later, later.response_class)
    page = after.get("/legal/terms/2026-11-22?lang=en").text
    for words in ("Version: 2026-11-22", "Seven days then", "Delivery then", f"Version {NEW} applies now"):
        assert words in page
    now = after.get("/legal/terms?lang=en").text
    assert f"Version: {NEW}" in now
    assert 'href="/legal/terms/2026-11-22"' in now
    assert after.get(f"/legal/terms/{NEW}?lang=en").text.count(f"Version: {NEW}") == 1
    for version in ("1999", "..%2f..%2fbase", "2026-11-22.ja"):
        assert after.get(f"/legal/terms/{version}").status_code == 404
        assert client.get(f"/legal/terms/{version}").status_code == 404


def same_browser(client: FlaskClient, app: Flask) -> FlaskClient:
    """Give the same browser at a portal that was started anew."""
    after = Browser(app, app.response_class)
    claim = client.get_cookie("claim", domain="127.0.0.1")
    assert claim is not None
    after.set_cookie("claim", claim.value, domain="127.0.0.1")
    return after
