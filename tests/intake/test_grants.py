"""What a browser may do at the object store (AC-U01, AC-U02), against the real stand-in."""

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.intake.grants import PART_SIZE
from app.orders.lifecycle import move_work
from app.portal import Portal
from tests.intake.shopper import CSV, Shopper, form_of, order_of, send, send_form


def test_ac_u01_the_policy_fixes_key_type_size_and_checksum(portal: Portal, client: FlaskClient, email: str) -> None:
    """The signed policy names one key, type, size and checksum, ends within 15 minutes, and allows nothing else."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    signed = shopper.sign_whole(grant)
    policy = json.loads(base64.b64decode(signed["fields"]["policy"]))
    conditions = policy["conditions"]
    exact = {k: v for c in conditions if isinstance(c, dict) for k, v in c.items()}
    assert re.fullmatch(r"incoming/[0-9a-f-]{36}/[\w-]{43}", exact["key"])
    assert exact["key"] == grant["key"]
    assert exact["Content-Type"] == "application/octet-stream"
    assert exact["x-amz-checksum-algorithm"] == "SHA256"
    assert base64.b64decode(exact["x-amz-checksum-sha256"]) == hashlib.sha256(CSV).digest()
    assert exact["success_action_status"] == "201"
    assert [c for c in conditions if isinstance(c, list)] == [["content-length-range", len(CSV), len(CSV)]]
    assert "acl" not in exact
    assert "starts-with" not in json.dumps(conditions)
    assert set(signed["fields"]) - {"policy", "x-amz-signature"} <= set(exact)
    assert datetime.fromisoformat(policy["expiration"]) <= portal.clock() + timedelta(minutes=15, seconds=5)


def test_ac_u01_the_store_takes_the_declared_file_and_no_longer_one(client: FlaskClient, email: str) -> None:
    """The declared file is taken; one byte more is refused by the store."""
    shopper = Shopper(client, email)
    signed = shopper.sign_whole(shopper.upload())
    assert send_form(signed["url"], signed["fields"], CSV + b"x")[0] == 400
    assert send_form(signed["url"], signed["fields"], CSV)[0] == 201


def test_ac_u01_the_plain_form_has_the_same_policy(portal: Portal, client: FlaskClient, email: str) -> None:
    """The form for browsers without scripts is signed as narrowly."""
    shopper = Shopper(client, email)
    page = client.get(shopper.order_plainly().headers["Location"]).text
    url, fields = form_of(page)
    exact = {
        k: v
        for c in json.loads(base64.b64decode(fields["policy"]))["conditions"]
        if isinstance(c, dict)
        for k, v in c.items()
    }
    assert exact["Content-Type"] == "application/octet-stream"
    assert exact["success_action_redirect"].startswith(portal.settings.public_url)
    status, headers = send_form(url, fields, CSV)
    assert status == 303
    assert headers["Location"].startswith(exact["success_action_redirect"])


def test_ac_u02_a_grant_is_for_the_browser_that_ordered(app: Flask, client: FlaskClient, email: str) -> None:
    """Another browser gets no signature and confirms nothing: 404."""
    grant = Shopper(client, email).upload()
    other = Shopper(type(client)(app, app.response_class), f"other-{email}")
    other.upload()  # has a claim cookie, but of another order
    assert other.sign(grant, method="PUT", content_type=grant["content_type"]).status_code == 404
    assert other.confirm(grant).status_code == 404


def test_ac_u02_no_grant_once_the_file_is_confirmed(portal: Portal, client: FlaskClient, email: str) -> None:
    """A confirmed file can't be sent again: 409."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    order = order_of(portal, grant)
    with portal.database.transaction() as session:
        session.add(order)
        assert move_work(session, order, "uploaded", "test", portal.clock())
    answer = shopper.sign(grant, method="PUT", content_type=grant["content_type"])
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "conflict")


def test_ac_u16_signing_needs_the_csrf_token(client: FlaskClient, email: str) -> None:
    """A signature asked for without the CSRF token: 400."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    body = {"method": "PUT", "key": grant["key"], "content_type": grant["content_type"]}
    assert client.post(grant["sign_url"], json=body).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"method": "PUT", "content_type": "text/html"},
        {"method": "PUT"},
        {"method": "DELETE"},
        {"method": "GET"},
        {"method": "HEAD"},
        {"method": "POST"},  # a small file does not go in parts
        {"method": "PUT", "upload_id": "abc"},
        {"method": "PUT", "part_number": 1},
        {"method": "PUT", "upload_id": "abc", "part_number": 2},  # the file has one part
        {"method": "PUT", "upload_id": "abc", "part_number": 0},
        {"method": "PUT", "upload_id": "abc", "part_number": "1"},
        {"method": "PUT", "upload_id": "a b", "part_number": 1},
        {"method": "PUT", "content_type": "application/octet-stream", "acl": "public-read"},
        {"method": "PUT", "content_type": "application/octet-stream", "key": "orders/x.kaiseki"},
        {"method": "PUT", "content_type": "application/octet-stream", "key": 1},
        {},
    ],
)
def test_ac_u02_nothing_but_the_known_requests_is_signed(client: FlaskClient, email: str, body: dict[str, Any]) -> None:
    """Methods, parts, types and keys that no upload needs are not signed: 422."""
    shopper = Shopper(client, email)
    answer = shopper.sign(shopper.upload(), **body)
    assert answer.status_code == 422
    assert "url" not in answer.get_json()


def test_an_order_without_a_declared_size_gets_no_signature(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    order_id = shopper.order_plainly().headers["Location"].rsplit("/", 1)[-1]
    order = order_of(portal, {"order_id": order_id})
    grant = {"key": f"incoming/{order.id}/{order.grant}", "sign_url": f"/orders/{order.id}/sign"}
    assert shopper.sign(grant, method="POST").status_code == 422


def test_a_large_file_goes_in_parts_that_add_up_to_the_declared_size(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    body = bytes(PART_SIZE) + b"a,b\n1,2\n"
    shopper = Shopper(client, email)
    grant = shopper.upload(body)

    def signed(**asked: Any) -> str:
        answer = shopper.sign(grant, **asked)
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["url"])

    assert shopper.sign(grant, method="PUT", content_type=grant["content_type"]).status_code == 422
    begin = signed(method="POST")
    assert send("POST", begin, b"", {"Content-Type": "text/html"})[0] == 403
    text = send("POST", begin, b"", {"Content-Type": grant["content_type"]})[2]
    found = re.search(r"<UploadId>([^<]+)</UploadId>", text)
    assert found, text
    upload_id = found[1]
    etags = []
    for number, part in enumerate((body[:PART_SIZE], body[PART_SIZE:]), start=1):
        url = signed(method="PUT", upload_id=upload_id, part_number=number)
        assert send("PUT", url, part + b"x")[0] == 403
        status, headers, _ = send("PUT", url, part)
        assert status == 200
        etags.append(headers["ETag"])
    assert shopper.sign(grant, method="PUT", upload_id=upload_id, part_number=3).status_code == 422
    assert "<PartNumber>2<" in send("GET", signed(method="GET", upload_id=upload_id))[2]
    parts = "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in enumerate(etags, start=1)
    )
    complete = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    url = signed(method="POST", upload_id=upload_id)
    status, _, text = send("POST", url, complete, {"Content-Type": "application/xml"})
    assert status == 200, text
    assert shopper.confirm(grant).status_code == 200
    order = order_of(portal, grant)
    assert (order.size, order.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert portal.storage.get(f"orders/{order.id}.kaiseki") == body


def test_a_cancelled_upload_can_be_aborted(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    grant = shopper.upload(bytes(PART_SIZE + 1))
    url = shopper.sign(grant, method="POST").get_json()["url"]
    found = re.search(r"<UploadId>([^<]+)<", send("POST", url, b"", {"Content-Type": grant["content_type"]})[2])
    assert found
    abort = shopper.sign(grant, method="DELETE", upload_id=found[1]).get_json()["url"]
    assert send("DELETE", abort)[0] == 204
    assert shopper.confirm(grant).status_code == 409
    assert list(portal.storage.list(grant["key"])) == []
