"""The file has arrived: looked at, frozen, and what follows is started once (AC-U03, AC-U04)."""

import hashlib
import json
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkout.service import payable
from app.gateways.storage import ObjectChangedError
from app.intake.inspection import conclude, look
from app.models import AuditEntry, Mail, Order, Payment
from app.portal import Portal
from tests.intake.shopper import CSV, HOST, Shopper, form_of, key_of, order_of, send_form


def _send(shopper: Shopper, grant: dict[str, Any], body: bytes = CSV) -> dict[str, Any]:
    signed = shopper.sign_whole(grant)
    assert send_form(signed["url"], signed["fields"], body)[0] == 201
    return signed


def _kinds(portal: Portal, order_id: str) -> list[str]:
    with portal.database.transaction() as session:
        return list(session.scalars(select(AuditEntry.kind).where(AuditEntry.order_id == order_id)))


def _enqueued(portal: Portal, order_id: str) -> bool:
    return bool(portal.jobs.client.list_workflows(workflow_ids=[f"intake.inspect:{order_id}"]))


def test_ac_u03_size_and_checksum_are_known_before_anything_can_be_paid(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """Size, checksum and price are in the order before it can be paid."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    _send(shopper, grant)
    answer = shopper.confirm(grant)
    assert (answer.status_code, answer.get_json()) == (200, {"order_url": grant["order_url"]})
    order = order_of(portal, grant)
    assert order.state != "waiting"
    assert (order.size, order.sha256, order.price) == (len(CSV), hashlib.sha256(CSV).hexdigest(), 1500)
    assert order.uploaded_at is not None
    assert portal.storage.get(f"orders/{order.id}.kaiseki") == CSV
    sheet = json.loads(portal.storage.get(f"orders/{order.id}.json"))
    assert sheet == {
        "version": 1,
        "order_id": order.id,
        "product": "csv-profile",
        "email": email,
        "claim_hash": order.claim_hash,
        "locale": "ja",
        "charge": "after_analysis",
        "price": 1500,
        "filename": "売上.csv",
        "declared_size": len(CSV),
        "declared_sha256": order.sha256,
        "size": len(CSV),
        "sha256": order.sha256,
        "created_at": order.created_at.isoformat(),
        "uploaded_at": order.uploaded_at.isoformat(),
        "proved_at": None,
        "former": {},
        "input_gone_at": None,
        "terms_version": order.terms_version,
        "transfers": [],
    }
    assert _enqueued(portal, order.id)


def test_a_file_that_never_came_leaves_the_order_as_it_was(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    grant = shopper.upload()
    answer = shopper.confirm(grant)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (409, "not_arrived", None)
    order = order_of(portal, grant)
    assert (order.state, order.money, order.size) == ("waiting", "unpaid", None)
    assert list(portal.storage.list(f"orders/{order.id}")) == []
    assert not _enqueued(portal, order.id)
    _send(shopper, grant)  # and it can still be sent
    assert shopper.confirm(grant).status_code == 200


def test_confirming_again_and_at_once_changes_nothing(
    app: Flask, portal: Portal, client: FlaskClient, email: str
) -> None:
    shopper = Shopper(client, email)
    grant = shopper.upload()
    _send(shopper, grant)
    claim = client.get_cookie("claim", HOST)
    session = client.get_cookie("portal", HOST)
    assert claim
    assert session
    answers: list[int] = []

    def confirm() -> None:
        twin = app.test_client()
        twin.set_cookie("claim", claim.value, domain=HOST)
        twin.set_cookie("portal", session.value, domain=HOST)
        headers = {"Accept": "application/json", "X-CSRFToken": shopper.token}
        answer = twin.post(grant["confirm_url"], json={"sha256": grant["sha256"]}, headers=headers)
        answers.append(answer.status_code)

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    assert shopper.confirm(grant).status_code == 200
    assert _kinds(portal, grant["order_id"]).count("work.uploaded") == 1


def test_ac_u04_a_reused_grant_changes_nothing(portal: Portal, client: FlaskClient, email: str) -> None:
    """A grant used again after the confirmation changes nothing of what is analysed."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    signed = _send(shopper, grant)
    shopper.confirm(grant)
    before = order_of(portal, grant)
    other = CSV.replace(b"100", b"999")
    assert send_form(signed["url"], signed["fields"], other)[0] == 201  # the stand-in checks no checksum of a form
    assert portal.storage.get(key_of(portal, grant)) == other
    assert shopper.confirm(grant).status_code == 200
    after = order_of(portal, grant)
    assert portal.storage.get(f"orders/{after.id}.kaiseki") == CSV
    assert (after.sha256, after.size, after.uploaded_at) == (before.sha256, before.size, before.uploaded_at)


def test_ac_u04_only_what_was_looked_at_is_frozen(portal: Portal) -> None:
    """A file changed between the look and the copy is not copied."""
    portal.storage.put("incoming/race", CSV, "text/plain")
    seen = portal.storage.head("incoming/race")
    portal.storage.put("incoming/race", b"changed meanwhile", "text/plain")
    with pytest.raises(ObjectChangedError):
        portal.storage.freeze("incoming/race", "orders/race.kaiseki", seen.etag)
    assert list(portal.storage.list("orders/race")) == []


def test_ac_u03_a_file_of_another_size_is_refused_and_can_be_sent_again(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """What arrived is not what was declared: refused, removed, and the right file can follow."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    portal.storage.put(key_of(portal, grant), CSV[:-1], "application/octet-stream")
    answer = shopper.confirm(grant)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, "damaged")
    order = order_of(portal, grant)
    assert order.state == "waiting"
    assert list(portal.storage.list(key_of(portal, grant))) == []
    assert list(portal.storage.list(f"orders/{order.id}")) == []
    _send(shopper, grant)
    assert shopper.confirm(grant).status_code == 200


def test_ac_u03_a_checksum_that_the_store_knows_must_be_the_declared_one(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """A file of the right size and another checksum is refused."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    other = CSV.replace(b"100", b"999")
    portal.storage._s3.put_object(  # noqa: SLF001  (a checksum as S3 keeps it of a form's upload)
        Bucket=portal.storage.bucket, Key=key_of(portal, grant), Body=other, ChecksumAlgorithm="SHA256"
    )
    assert portal.storage.head(key_of(portal, grant)).sha256 == hashlib.sha256(other).hexdigest()
    assert shopper.confirm(grant).status_code == 422
    assert order_of(portal, grant).state == "waiting"


def test_without_javascript_the_whole_way(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    where = shopper.order_plainly().headers["Location"]
    grant = {"order_id": where.rsplit("/", 1)[-1]}
    url, fields = form_of(client.get(where).text)
    status, headers = send_form(url, fields, CSV)
    assert status == 303
    back = headers["Location"].removeprefix(portal.settings.public_url)
    page = client.get(back).text
    assert order_of(portal, grant).state == "waiting"  # a GET changes nothing
    assert f'action="{where}/uploaded"' in page
    answer = client.post(f"{where}/uploaded", data={"csrf_token": shopper.token})
    assert (answer.status_code, answer.headers["Location"]) == (303, where)
    order = order_of(portal, grant)
    assert (order.state == "waiting", order.size, order.filename) == (False, len(CSV), "file.csv")


def test_without_javascript_a_missing_file_is_said(client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    where = shopper.order_plainly().headers["Location"]
    answer = client.post(f"{where}/uploaded?lang=en", data={"csrf_token": shopper.token})
    assert answer.status_code == 409
    assert "<h1>" in answer.text


def test_ac_u03_a_product_that_is_paid_first_asks_for_the_payment_after_the_look(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """Nothing can be paid, and no mail asks for it, until the file was looked at; the pages say so calmly."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    order_id = grant["order_id"]
    with portal.database.transaction() as session:
        session.get_one(Order, order_id).charge = "before_analysis"
    _send(shopper, grant)
    shopper.confirm(grant)
    assert order_of(portal, grant).state == "uploaded"
    assert not payable(order_of(portal, grant))
    pay = client.get(f"/orders/{order_id}/pay")
    assert (pay.status_code, pay.headers["Location"]) == (303, grant["order_url"])
    assert (
        client.post(f"/orders/{order_id}/pay", data={"csrf_token": shopper.token, "method": "card"}).status_code == 303
    )
    page = client.get(f"{grant['order_url']}?lang=en").text
    assert "We are checking that it can be opened safely" in page
    assert "/pay" not in page
    conclude(order_id, look(order_id))
    conclude(order_id, look(order_id))
    order = order_of(portal, grant)
    assert payable(order)
    assert order.scan == "unscanned"
    assert client.get(f"/orders/{order_id}/pay").status_code == 200
    with portal.database.transaction() as session:
        mail = session.scalars(select(Mail).where(Mail.order_id == order_id)).one()
        assert session.scalars(select(Payment).where(Payment.order_id == order_id)).all() == []
    assert (mail.kind, mail.to) == ("choose_payment", email)


def test_ac_u03_the_declared_checksum_is_compared_before_anything_can_be_paid(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """Where the store knows no checksum of the whole file, the worker finds that it is another one."""
    shopper = Shopper(client, email)
    grant = {**shopper.upload(), "sha256": "0" * 64}
    portal.storage.put(key_of(portal, grant), CSV, "application/octet-stream")
    assert shopper.confirm(grant).status_code == 200
    conclude(grant["order_id"], look(grant["order_id"]))
    order = order_of(portal, grant)
    assert (order.state, order.money) == ("rejected", "unpaid")
    assert order.reason
    assert "checksum" in order.reason["en"]


def test_two_different_checksums_are_of_two_files(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    grant = shopper.upload()
    assert shopper.confirm(grant).status_code == 409
    portal.storage.put(key_of(portal, grant), CSV, "application/octet-stream")
    other = {**grant, "sha256": "0" * 64}
    assert shopper.confirm(other).get_json()["error"]["code"] == "damaged"
    assert list(portal.storage.list(key_of(portal, grant))) == []
    _send(shopper, grant)
    assert shopper.confirm(grant).status_code == 200
