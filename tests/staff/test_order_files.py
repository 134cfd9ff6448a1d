"""A customer's files: staff see names and checksums, and what is in them only after they said why (AC-S04)."""

import urllib.request
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.gateways.storage import DOWNLOAD_LIFE_S
from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.login.people import STAFF_STEP_UP
from app.models import AuditEntry, Order, StaffLogEntry
from app.portal import Portal
from tests.helpers import make_order
from tests.login.steps import post
from tests.staff.member import Member, log_of, member
from tests.staff_login.steps import give, new_member

BODY = "部門,金額\n極秘,1\n".encode()
WHY = "問い合わせ 4711: 結果が空と言われた"


@pytest.fixture
def staff(portal: Portal, app: Flask) -> Member:
    """Give a member of staff in a browser."""
    return member(portal, app)


def order_with_files(portal: Portal, **columns: Any) -> Order:
    """Make an order whose file and result are in the store."""
    order_id = new_id()
    key = f"results/{order_id}/result.zip"
    file = {"slug": "result.zip", "name": "結果_売上.zip", "key": key, "size": 3, "sha256": "cd" * 32}
    values: dict[str, Any] = {
        "state": "delivered",
        "money": "paid",
        "delivery": {"files": [{**file, "type": "application/zip"}]},
    }
    values |= {"size": len(BODY), "sha256": sha256(BODY).hexdigest(), "uploaded_at": portal.clock(), **columns}
    portal.storage.put(f"orders/{order_id}.kaiseki", BODY, "text/html")
    portal.storage.put(key, b"zip", "application/zip")
    return make_order(portal, id=order_id, **values)


def written(portal: Portal, order: Order) -> tuple[list[AuditEntry], list[StaffLogEntry]]:
    """Read who opened a file of an order, in its own record and in the staff log."""
    with portal.database.transaction() as session:
        audit = session.scalars(select(AuditEntry).where(AuditEntry.order_id == order.id)).all()
    log = [entry for entry in log_of(portal, f"order:{order.id}") if entry.action == "order.open_file"]
    return list(audit), log


def test_ac_s04_the_page_shows_files_and_nothing_in_them(portal: Portal, staff: Member) -> None:
    """Names, keys, sizes, checksums; no address of the store, no word of the file."""
    order = order_with_files(portal)
    text = staff.client.get(f"/staff/orders/{order.id}?lang=en").text
    for part in ("売上.csv", f"orders/{order.id}.kaiseki", sha256(BODY).hexdigest(), "結果_売上.zip", "cd" * 32, "3 B"):
        assert part in text, part
    assert "極秘" not in text
    assert "X-Amz-Signature" not in text
    assert f'href="/staff/orders/{order.id}/files"' in text


def test_ac_s04_a_file_is_opened_with_a_reason_and_that_is_kept(portal: Portal, staff: Member) -> None:
    """The form asks why; then the store gives the file for minutes, as bytes to save, and both logs say who and why."""
    order = order_with_files(portal)
    page = staff.client.get(f"/staff/orders/{order.id}/files?lang=en").text
    assert "The address of the file is good for five minutes." in page
    assert written(portal, order) == ([], []), "looking at the form opens nothing"
    for slug, body, type_ in (("input", BODY, "application/octet-stream"), ("result.zip", b"zip", "application/zip")):
        answer = post(staff.client, f"/staff/orders/{order.id}/files", file=slug, reason=f" {WHY} ")
        assert answer.status_code == 303, answer.text
        assert answer.location.startswith(portal.settings.object_store_origin)
        assert parse_qs(urlsplit(answer.location).query)["X-Amz-Expires"] == [str(DOWNLOAD_LIFE_S)]
        with urllib.request.urlopen(answer.location) as got:
            assert got.read() == body
            assert got.headers["Content-Type"] == type_
            assert got.headers["Content-Disposition"].startswith("attachment;")
    audit, log = written(portal, order)
    assert [(e.kind, e.actor, e.data) for e in audit] == [
        ("staff.file_opened", f"staff:{staff.email}", {"file": slug, "reason": WHY}) for slug in ("input", "result.zip")
    ]
    assert [(e.member, e.role, e.reason, e.data, e.network) for e in log] == [
        (staff.email, "support", WHY, {"file": slug}, "127.0.0.1") for slug in ("input", "result.zip")
    ]
    assert WHY in staff.client.get(f"/staff/orders/{order.id}").text


@pytest.mark.parametrize(
    ("slug", "reason"),
    [
        ("input", ""),
        ("input", "  "),
        ("input", "x" * 501),
        ("", WHY),
        ("x", WHY),
        ("../input", WHY),
        ("report.html", WHY),
    ],
)
def test_ac_s04_without_a_reason_or_a_file_nothing_is_opened(
    portal: Portal, staff: Member, slug: str, reason: str
) -> None:
    order = order_with_files(portal)
    answer = post(staff.client, f"/staff/orders/{order.id}/files", file=slug, reason=reason)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert reason.strip() in answer.text
    assert written(portal, order) == ([], [])


def test_ac_s04_only_with_a_fresh_second_factor(portal: Portal, client: FlaskClient) -> None:
    """Five minutes after the last code the page and the form ask for another one, and lead back."""
    phone, _ = new_member(portal, client, f"staff-{new_id()[:13]}@kaiseki.example")
    order = order_with_files(portal)
    path = f"/staff/orders/{order.id}/files"
    with time_machine.travel(system_clock() + STAFF_STEP_UP + timedelta(seconds=10)):
        asked = client.get(path)
        assert asked.location == f"/staff/login/code?next=staff_order.files&order={order.id}&again=1"
        assert post(client, path, file="input", reason=WHY).status_code == 303
        assert written(portal, order) == ([], [])
        assert give(client, phone.code(), next="staff_order.files", order=order.id).location == path
        assert post(client, path, file="input", reason=WHY).location.startswith(portal.settings.object_store_origin)


def test_ac_s04_who_may_only_look_opens_nothing(portal: Portal, app: Flask) -> None:
    viewer = member(portal, app, "viewer").client
    order = order_with_files(portal)
    path = f"/staff/orders/{order.id}/files"
    assert path not in viewer.get(f"/staff/orders/{order.id}").text
    assert viewer.get(path).status_code == post(viewer, path, file="input", reason=WHY).status_code == 403
    assert written(portal, order) == ([], [])


def test_what_is_deleted_can_not_be_opened(portal: Portal, staff: Member) -> None:
    """Neither what the order says is gone, nor what the store has lost."""
    gone = order_with_files(portal, input_gone_at=portal.clock(), result_gone_at=portal.clock())
    path = f"/staff/orders/{gone.id}/files"
    assert "There is no file of this order" in staff.client.get(f"{path}?lang=en").text
    assert post(staff.client, path, file="input", reason=WHY).status_code == 422
    text = staff.client.get(f"/staff/orders/{gone.id}?lang=en").text
    assert "Deleted" in text
    assert path not in text
    lost = order_with_files(portal)
    portal.storage.delete(f"orders/{lost.id}.kaiseki")
    answer = post(staff.client, f"/staff/orders/{lost.id}/files", file="input", reason=WHY)
    assert answer.status_code == 422
    assert "This file is not in the store." in answer.text
    assert written(portal, gone) == written(portal, lost) == ([], [])


def test_an_order_without_a_file(portal: Portal, staff: Member) -> None:
    order = make_order(portal)
    assert "No file has come yet." in staff.client.get(f"/staff/orders/{order.id}?lang=en").text
    assert "There is no file of this order" in staff.client.get(f"/staff/orders/{order.id}/files?lang=en").text
    assert staff.client.get(f"/staff/orders/{new_id()}/files").status_code == 404


def test_a_virus_is_told_before(portal: Portal, staff: Member) -> None:
    order = order_with_files(portal, scan="infected", state="uploaded", delivery=None)
    assert "A virus was found in this file." in staff.client.get(f"/staff/orders/{order.id}/files?lang=en").text
