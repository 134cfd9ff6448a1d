"""Until when a result is kept, the mail before it goes, and thirty days more."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import select

from app.delivery.keeping import KIND, NOTICE, give_notice
from app.kit.clock import JST, last_moment
from app.mail.jobs import render
from app.mail.letters import NotNeededError
from app.models import Mail, Order
from app.orders.jobs import keep_manifest
from app.orders.keeping import KEEP_DAYS, MORE, TIMES, kept_longer, last_day
from app.portal import EXTENSION, Portal
from tests.checkout.shop import audit, hidden, order_of
from tests.helpers import make_order, reload

DAY = timedelta(days=1)
MORNING = datetime(2030, 3, 4, 0, 30, tzinfo=UTC)  # 9:30 in Japan
FILE = {"slug": "result.zip", "name": "a.zip", "key": "k", "size": 1, "type": "application/zip"}


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let the portal's clock stand at a moment."""
    here = current_app.extensions[EXTENSION]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(current_app.extensions, EXTENSION, replace(here, clock=lambda: moment))
        yield


def kept(portal: Portal, until: datetime | None, **columns: Any) -> Order:
    """Store a delivered order whose result is kept until then."""
    delivered_at = (until or MORNING) - KEEP_DAYS * DAY
    values = {"state": "delivered", "money": "paid", "delivered_at": delivered_at, "uploaded_at": delivered_at}
    return make_order(portal, **{**values, "kept_until": until, "delivery": {"files": [FILE]}, **columns})


def notices(portal: Portal, order: Order) -> list[Mail]:
    """Read the mails about an order's last day, oldest first."""
    with portal.database.transaction() as session:
        rows = (
            select(Mail).where(Mail.order_id == order.id, Mail.kind == KIND).order_by(Mail.created_at, Mail.dedup_key)
        )
        return list(session.scalars(rows))


def test_a_last_day_ends_at_midnight_in_japan(portal: Portal) -> None:
    """By the product's own number of days; 180 where the product is not sold any more."""
    product = portal.catalog.products[0]
    order = make_order(portal, product=product.key)
    for moment in (datetime(2030, 1, 1, 14, 59, 59, tzinfo=UTC), datetime(2029, 12, 31, 15, 0, tzinfo=UTC)):
        until = last_day(order, moment).astimezone(JST)
        assert until == datetime(2030, 1, 1, 23, 59, 59, tzinfo=JST) + product.keep_days * DAY
    gone = make_order(portal, product="not-sold-any-more")
    assert last_day(gone, MORNING) == last_moment(MORNING + KEEP_DAYS * DAY)


def test_one_mail_seven_days_before(portal: Portal) -> None:
    """From nine in the morning of the day seven days before; once, however often it is looked."""
    until = last_moment(MORNING + NOTICE)
    order = kept(portal, until)
    with at(MORNING - timedelta(hours=1)):  # 8:30
        give_notice()
    assert notices(portal, order) == []
    with at(MORNING):
        give_notice()
        give_notice()
    with at(MORNING + DAY):
        give_notice()
    (mail,) = notices(portal, order)
    assert mail.dedup_key == f"{order.id}:{KIND}:2030-03-11"
    assert mail.expires_at == until == reload(portal, order).kept_until


@pytest.mark.parametrize("hour", [20, 0, 8])
def test_nobody_is_written_to_at_night(portal: Portal, hour: int) -> None:
    night = datetime(2031, 3, 4, hour, 30, tzinfo=JST).astimezone(UTC)
    order = kept(portal, last_moment(night + 2 * DAY))
    with at(night):
        give_notice()
    assert notices(portal, order) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"money": "refunded"},
        {"money": "unpaid"},
        {"state": "analysed"},
        {"result_gone_at": MORNING},
        {"erased_at": MORNING, "result_gone_at": MORNING},
        {"kept_until": last_moment(MORNING + NOTICE + DAY)},
    ],
)
def test_no_mail_where_there_is_nothing_to_lose(portal: Portal, columns: dict[str, Any]) -> None:
    order = kept(portal, last_moment(MORNING + DAY), **columns)
    with at(MORNING):
        give_notice()
    assert notices(portal, order) == []


def test_a_mail_that_comes_late_moves_the_last_day(portal: Portal) -> None:
    """No worker ran for weeks: the customer still has seven days from the mail on."""
    for until in (last_moment(MORNING - 3 * DAY), last_moment(MORNING + 2 * DAY)):
        order = kept(portal, until)
        with at(MORNING):
            give_notice()
        (mail,) = notices(portal, order)
        assert mail.expires_at == last_moment(MORNING + NOTICE) == reload(portal, order).kept_until


@pytest.mark.parametrize(("ago", "left"), [(10, 170), (200, 7)])
def test_orders_from_before_results_had_a_last_day_get_one(portal: Portal, ago: int, left: int) -> None:
    """As if it had been set at delivery; where that is too soon, seven days from now."""
    order = kept(portal, None, delivered_at=MORNING - ago * DAY)
    with at(MORNING):
        give_notice()
    assert reload(portal, order).kept_until == last_moment(MORNING + left * DAY)
    assert len(notices(portal, order)) == (left == NOTICE.days)


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_the_mail_names_day_file_and_button(portal: Portal, locale: str) -> None:
    """It leads to the order's page, where the button is; nothing is changed by opening a link."""
    until = last_moment(MORNING + NOTICE)
    order = kept(portal, until, locale=locale)
    day = {"ja": "2030年3月11日(月)", "en": "Mon 11 Mar 2030"}[locale]
    with at(MORNING):
        give_notice()
        told = render(notices(portal, order)[0])
        for text in (told.subject, told.text, told.html):
            assert day in text
        for text in (told.text, told.html):
            assert f"/orders/{order.id}" in text
            assert {"ja": "30日", "en": "30 days"}[locale] in text
    # Another last day, or no result any more: the mail has nothing to say.
    with portal.database.transaction() as session:
        session.get_one(Order, order.id).kept_until = until + DAY
    with pytest.raises(NotNeededError):
        render(notices(portal, order)[0])


def page(client: FlaskClient, order: Order) -> str:
    """Open the order's page in English."""
    return client.get(f"/orders/{order.id}?lang=en").text


def press(client: FlaskClient, order: Order, shown: str) -> int:
    """Press the button of a page that was opened before; return the answer's status."""
    fields = dict(re.findall(r'name="(until|csrf_token)" value="([^"]+)"', shown))
    return client.post(f"/orders/{order.id}/keep", data=fields).status_code


def test_thirty_days_more_three_times(portal: Portal, client: FlaskClient) -> None:
    """In the last thirty days a button; a page pressed twice counts once; after the third time there is no button."""
    now = portal.clock()
    first = last_moment(now + 3 * DAY)
    columns = {"kept_until": first, "delivered_at": first - KEEP_DAYS * DAY, "uploaded_at": now}
    order = order_of(portal, client, state="delivered", money="paid", delivery={"files": [FILE]}, **columns)
    until = first
    for _ in range(TIMES):
        with at(until - 3 * DAY):
            shown = page(client, order)
            assert "Keep it 30 days longer" in shown
            assert press(client, order, shown) == 303
            assert press(client, order, shown) == 303
        until = last_moment(until + MORE)
        assert reload(portal, order).kept_until == until
        with at(until - 31 * DAY):
            assert "Keep it 30 days longer" not in page(client, order)
    with at(until - 3 * DAY):
        assert "Keep it 30 days longer" not in page(client, order)
        assert kept_longer(reload(portal, order)) is None
        token = hidden(client.get("/?product=csv-profile"), "csrf_token")
        answer = client.post(f"/orders/{order.id}/keep", data={"csrf_token": token, "until": until.isoformat()})
        assert answer.status_code == 409
    assert audit(portal, order) == ["result.kept"] * TIMES
    assert reload(portal, order).kept_until == until


@pytest.mark.parametrize("until", ["", "now", "2099-01-01T00:00:00+00:00"])
def test_a_day_that_was_not_shown_changes_nothing(portal: Portal, client: FlaskClient, until: str) -> None:
    last = last_moment(portal.clock() + 3 * DAY)
    columns = {"kept_until": last, "delivered_at": last - KEEP_DAYS * DAY}
    order = order_of(portal, client, state="delivered", money="paid", delivery={"files": [FILE]}, **columns)
    token = hidden(client.get("/?product=csv-profile"), "csrf_token")
    path = f"/orders/{order.id}/keep"
    assert client.post(path, data={"csrf_token": token, "until": until}).status_code == 303
    assert client.post(path, data={"until": last.isoformat()}).status_code == 400  # no CSRF token
    assert client.get(path).status_code == 405
    assert reload(portal, order).kept_until == last
    assert audit(portal, order) == []


@pytest.mark.parametrize(
    ("columns", "status"),
    [({"money": "refunded"}, 410), ({"result_gone_at": MORNING}, 410), ({"state": "analysed"}, 409)],
)
def test_only_an_open_result_is_kept(portal: Portal, client: FlaskClient, columns: dict[str, Any], status: int) -> None:
    last = last_moment(portal.clock() + 3 * DAY)
    values = {"state": "delivered", "money": "paid", "kept_until": last, "delivered_at": last - KEEP_DAYS * DAY}
    order = order_of(portal, client, delivery={"files": [FILE]}, **{**values, **columns})
    token = hidden(client.get("/?product=csv-profile"), "csrf_token")
    answer = client.post(f"/orders/{order.id}/keep", data={"csrf_token": token, "until": last.isoformat()})
    assert answer.status_code == status
    assert reload(portal, order).kept_until == last


def test_the_object_store_knows_the_new_last_day(portal: Portal, client: FlaskClient) -> None:
    """A job writes the manifest anew, so that a rebuilt ledger keeps what was promised."""
    last = last_moment(portal.clock() + 3 * DAY)
    columns = {"kept_until": last, "delivered_at": last - KEEP_DAYS * DAY, "uploaded_at": portal.clock()}
    order = order_of(portal, client, state="delivered", money="paid", delivery={"files": [FILE]}, **columns)
    assert press(client, order, page(client, order)) == 303
    until = reload(portal, order).kept_until
    assert until == last_moment(last + MORE)
    jobs = portal.jobs.client.list_workflows(name="orders.record", load_input=True)
    assert [job for job in jobs if job.input and job.input["args"][0] == order.id]
    keep_manifest(order.id)
    manifest = json.loads(portal.storage.get(f"results/{order.id}/manifest.json"))
    assert manifest["kept_until"] == until.isoformat()
