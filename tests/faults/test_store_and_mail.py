"""S: the object store is away, slow, wrong or changed. M: the mail server is away, busy, slow."""

import hashlib
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import select

from app.models import Mail, Order
from tests.analysis_room.conftest import CSV
from tests.faults.house import House
from tests.faults.proxy import http
from tests.faults.visitor import Visitor
from tests.helpers import process, python
from tests.intake.shopper import send_form

pytestmark = pytest.mark.faults

SLOW_DOWN = http(503, "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
DENIED = http(403, "<Error><Code>InvalidAccessKeyId</Code><Message>no</Message></Error>")
JSON = {"Accept": "application/json"}


def order_by_site(house: House) -> tuple[Visitor, dict[str, Any]]:
    """Order as upload.js does; return the browser and the grant."""
    browser = house.visitor()
    token = browser.token("/?product=csv-profile")
    about = {"filename": "売上.csv", "size": len(CSV), "sha256": hashlib.sha256(CSV).hexdigest()}
    email = "marked-by-site@example.jp"
    fields = {"product": "csv-profile", "email": email, "locale": "ja", "csrf_token": token, **about}
    made = browser.post("/orders", fields, **JSON)
    assert made.status == 201, made.text
    house.marked.append(email)
    body = made.json()
    return browser, {**body["upload"], "order_id": body["order_id"], "token": token}


def send_file(browser: Visitor, grant: dict[str, Any]) -> None:
    asked = {"key": grant["key"], "method": "PUT", "content_type": grant["content_type"]}
    signed = browser.post_json(grant["sign_url"], asked, **{"X-CSRFToken": grant["token"], **JSON})
    assert signed.status == 200, signed.text
    form = signed.json()
    assert send_form(form["url"], form["fields"], CSV)[0] == 201


def confirm(browser: Visitor, grant: dict[str, Any]) -> int:
    return browser.post_json(grant["confirm_url"], {}, **{"X-CSRFToken": grant["token"], **JSON}).status


def state_of(house: House, order_id: str) -> tuple[str, str]:
    with house.portal.database.transaction() as session:
        order = session.get_one(Order, order_id)
        return order.state, order.money


def test_s1_store_down_when_the_upload_is_granted(house: House) -> None:
    with house.proxies["s3"].broken("refuse"):
        assert house.visitor().get("/readyz").status == 503
        browser, grant = order_by_site(house)
        page = browser.get(f"/orders/{grant['order_id']}/pay?method=card")
        assert (page.status, page.location) == (303, f"/orders/{grant['order_id']}")
        assert confirm(browser, grant) == 503
        assert state_of(house, grant["order_id"]) == ("waiting", "unpaid")
    send_file(browser, grant)
    assert confirm(browser, grant) == 200
    house.until(lambda: state_of(house, grant["order_id"])[0] == "analysed", what="the analysis")


def test_s2_store_down_when_the_upload_is_confirmed(house: House) -> None:
    browser, grant = order_by_site(house)
    send_file(browser, grant)
    for _ in range(2):
        with house.proxies["s3"].broken("answer", text=SLOW_DOWN):
            assert confirm(browser, grant) == 503
        assert state_of(house, grant["order_id"]) == ("waiting", "unpaid")
        assert browser.get(f"/orders/{grant['order_id']}/pay?method=card").status == 303
    assert confirm(browser, grant) == 200
    house.until(lambda: state_of(house, grant["order_id"])[0] == "analysed", what="the analysis")


def test_s3_store_down_after_the_payment(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    with house.proxies["s3"].broken("refuse"):
        house.pay(session_id)
        house.until(lambda: house.now(order).money == "paid", what="the payment")
        page = house.visitor(order).get(f"/orders/{order.id}")
        assert page.status == 200
        assert house.visitor(order).get(f"/orders/{order.id}/files/result.zip").status in {404, 409}
        assert house.now(order).state == "analysed"
    house.opened(order)


@pytest.mark.parametrize("kind", ["reset", "answer", "cut"])
def test_s4_store_stumbles_during_the_delivery(house: House, kind: Literal["reset", "answer", "cut"]) -> None:
    order = house.order()
    session_id = house.begin(order)
    s3 = house.proxies["s3"]
    before = s3.calls
    with s3.broken(kind, amount=100, text=SLOW_DOWN):
        house.pay(session_id)
        house.until(lambda: s3.calls > before + 2, what="tries")
    house.opened(order)


def test_s4_store_is_slow(house: House) -> None:
    order = house.order()
    session_id = house.begin(order)
    with house.proxies["s3"].broken("slow", amount=0.3):
        house.pay(session_id)
        house.opened(order)


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_s5_file_changed_after_it_was_confirmed(house: House, change: str) -> None:
    with house.proxies["s3"].broken("refuse"):
        order = house.uploaded(sha256=hashlib.sha256(CSV).hexdigest())
        house.until(lambda: house.now(order).state == "analysing", what="the job")
        key = f"orders/{order.id}.kaiseki"
        house.portal.storage.delete(key)
        if change == "replaced":
            house.portal.storage.put(key, b"day,sold\n2026-11-01,4\n", "application/octet-stream")
    house.until(lambda: house.now(order).state == "failed", what="the end")
    attention = "checksum_mismatch" if change == "replaced" else "analysis_failed"
    assert house.now(order).attention == attention
    assert [*house.portal.storage.list(f"results/{order.id}/")] == []


def test_s6_wrong_credentials(house: House, tmp_path: Path) -> None:
    alive = {name: child.pid for name, (child, _) in house.children.items()}
    order = house.order()
    session_id = house.begin(order)
    with house.proxies["s3"].broken("answer", text=DENIED):
        log = tmp_path / "check.log"
        with process(
            *python("-m", "flask", "--app", "wsgi", "portal", "check"), environment=house.environment, log=log
        ) as c:
            assert c.wait(60) == 1
        assert re.search(r"fail +object store", log.read_text()), log.read_text()
        assert house.visitor().get("/readyz").status == 503
        assert house.visitor().get("/healthz").status == 200
        house.pay(session_id)
        house.until(lambda: house.now(order).money == "paid", what="the payment")
    assert {name: child.pid for name, (child, _) in house.children.items()} == alive
    house.opened(order)


def mails_of(house: House, to: str) -> list[tuple[str, str]]:
    with house.portal.database.transaction() as session:
        return [(m.kind, m.state) for m in session.scalars(select(Mail).where(Mail.to == to).order_by(Mail.created_at))]


def ask_to_log_in(house: House, email: str) -> Visitor:
    browser = house.visitor()
    answer = browser.post("/login", {"csrf_token": browser.token("/login/code"), "email": email})
    assert answer.status in {200, 303}, answer.text
    return browser


def test_m1_mail_server_down_for_hours(house: House) -> None:
    with house.proxies["smtp"].broken("refuse"):
        order = house.bought()
        house.opened(order)
        ask_to_log_in(house, order.email)
        house.until(
            lambda: [state for _, state in mails_of(house, order.email)] == ["failed", "failed"], what="tries in vain"
        )
        house.pass_time(hours=6)
    house.machine_time_passes()
    wanted = [("login", "dropped"), ("result_open", "sent")]
    house.until(lambda: sorted(mails_of(house, order.email)) == wanted, what="the outbox")
    assert len(house.sandbox.mails(order.email)) == 1


def test_m2_mail_server_busy(house: House) -> None:
    busy = b"421 4.3.2 Too many messages, try again later\r\n"
    with house.proxies["smtp"].broken("greet", text=busy):
        order = house.bought()
        house.opened(order)
        house.until(lambda: mails_of(house, order.email) == [("result_open", "failed")], what="a try in vain")
    house.until(lambda: mails_of(house, order.email) == [("result_open", "sent")], what="the mail")


def test_m4_login_mail_read_too_late(house: House) -> None:
    order = house.order()
    browser = ask_to_log_in(house, order.email)
    mail = house.until(lambda: house.sandbox.mails(order.email), what="the mail")[0]
    found = re.search(r"/login/[^\s\"]+", mail["text"])
    assert found, mail["text"]
    house.marked.append(found[0].removeprefix("/login/"))
    house.pass_time(seconds=16 * 60)
    page = browser.get(found[0])
    assert page.status == 410
    assert re.search(r'<form[^>]+method="post" action="/login"', page.text), page.text
    ask_to_log_in(house, order.email)
    house.until(lambda: len(house.sandbox.mails(order.email)) == 2, what="the second mail")
