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

from app.intake.grants import PART_SIZE, count_of_parts, length_of_part, part_size
from app.orders.lifecycle import move_work
from app.portal import Portal
from tests.intake.shopper import CSV, JSON, Shopper, form_of, key_of, order_of, send, send_form, sha256_of

MIB = 1024 * 1024


def test_ac_u01_the_policy_fixes_key_type_size_and_checksum(portal: Portal, client: FlaskClient, email: str) -> None:
    """The signed policy names one key, type, size and checksum, ends within 15 minutes, and allows nothing else."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    signed = shopper.sign_whole(grant)
    policy = json.loads(base64.b64decode(signed["fields"]["policy"]))
    conditions = policy["conditions"]
    exact = {k: v for c in conditions if isinstance(c, dict) for k, v in c.items()}
    assert re.fullmatch(r"incoming/[0-9a-f-]{36}/[\w-]{43}", exact["key"])
    assert exact["key"] == key_of(portal, grant)
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
    assert other.sign(grant).status_code == 404
    assert other.resume(grant, len(CSV)).status_code == 404
    assert other.confirm(grant).status_code == 404


def test_ac_u02_no_grant_once_the_file_is_confirmed(portal: Portal, client: FlaskClient, email: str) -> None:
    """A confirmed file can't be sent again: 409."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    order = order_of(portal, grant)
    with portal.database.transaction() as session:
        session.add(order)
        assert move_work(session, order, "uploaded", "test", portal.clock())
    answer = shopper.sign(grant)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "conflict")


def test_ac_u16_signing_needs_the_csrf_token(client: FlaskClient, email: str) -> None:
    """A signature, a resumption or a confirmation without the CSRF token: 400."""
    grant = Shopper(client, email).upload()
    for url in ("sign_url", "upload_url", "confirm_url"):
        assert client.post(grant[url], json={}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"part": 1},  # a small file does not go in parts
        {"sha256": "0"},
        {"sha256": "AB" * 32},
        {"sha256": 1},
        {"key": "orders/x.kaiseki"},
        {"method": "DELETE"},
        {"upload_id": "abc"},
        {"acl": "public-read"},
        [],
        "x",
    ],
)
def test_ac_u02_nothing_but_the_known_requests_is_signed(client: FlaskClient, email: str, body: Any) -> None:
    """Keys, uploads, methods and types are not for the browser to name: 422."""
    shopper = Shopper(client, email)
    grant = shopper.upload()
    answer = client.post(grant["sign_url"], json=body, headers={**JSON, "X-CSRFToken": shopper.token})
    assert answer.status_code == 422
    assert "url" not in answer.get_json()


LARGE = bytes(PART_SIZE) + b"a,b\n1,2\n"


@pytest.mark.parametrize("part", [0, 3, 10_001, "1", 1.5, None])
def test_ac_u02_a_large_file_is_signed_in_its_own_parts_only(client: FlaskClient, email: str, part: Any) -> None:
    """No part beyond the declared size, and not the whole at once: 422."""
    shopper = Shopper(client, email)
    assert shopper.sign(shopper.upload(LARGE), part=part).status_code == 422


def test_an_order_without_a_declared_size_gets_no_signature(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    order_id = shopper.order_plainly().headers["Location"].rsplit("/", 1)[-1]
    grant = {"sign_url": f"/orders/{order_id}/sign", "upload_url": f"/orders/{order_id}/upload"}
    assert shopper.sign(grant).status_code == 422
    assert shopper.resume(grant, len(CSV), "file.csv").status_code == 409


def test_ac_u01_a_large_file_goes_in_parts_that_add_up_to_the_declared_size(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """Each part's length is signed; the server alone begins and completes the upload."""
    shopper = Shopper(client, email)
    grant = shopper.upload(LARGE)
    assert (grant["multipart"], grant["part_size"], grant["parts"]) == (True, PART_SIZE, [])
    too_long = shopper.sign(grant, part=2).get_json()
    assert send("PUT", too_long["url"], b"a,b\n1,2\nx")[0] == 403
    assert shopper.send_part(grant, LARGE, 2)[0] == 200
    assert shopper.confirm(grant).get_json()["error"]["code"] == "not_arrived"
    assert shopper.send_part(grant, LARGE, 1)[0] == 200
    assert list(portal.storage.list(key_of(portal, grant))) == []  # nothing appears before it is confirmed
    assert shopper.confirm(grant).status_code == 200
    order = order_of(portal, grant)
    assert (order.size, order.declared_sha256) == (len(LARGE), sha256_of(LARGE))
    assert portal.storage.get(f"orders/{order.id}.kaiseki") == LARGE
    assert shopper.confirm(grant).status_code == 200


def test_ac_u01_the_checksum_of_a_part_is_signed(client: FlaskClient, email: str) -> None:
    """A part goes with the checksum that it was signed for, or not at all."""
    shopper = Shopper(client, email)
    grant = shopper.upload(LARGE)
    signed = shopper.sign(grant, part=2, sha256=sha256_of(LARGE[PART_SIZE:])).get_json()
    assert "x-amz-checksum-sha256" in signed["url"].partition("SignedHeaders=")[2]
    assert send("PUT", signed["url"], LARGE[PART_SIZE:])[0] == 403
    assert send("PUT", signed["url"], LARGE[PART_SIZE:], {"x-amz-checksum-sha256": "AAAA"})[0] in {400, 403}
    assert send("PUT", signed["url"], LARGE[PART_SIZE:], signed["headers"])[0] == 200


@pytest.mark.parametrize(
    ("size", "each", "count"),
    [
        (1, PART_SIZE, 1),
        (PART_SIZE + 1, PART_SIZE, 2),
        (10_000 * PART_SIZE, PART_SIZE, 10_000),
        (10_000 * PART_SIZE + 1, PART_SIZE + MIB, 9_412),
        (5 * 1024**4, 525 * MIB, 9_987),  # the largest object of S3
    ],
)
def test_a_file_has_at_most_ten_thousand_parts(size: int, each: int, count: int) -> None:
    assert part_size(size) == each
    assert count_of_parts(size) == count
    assert sum(length_of_part(size, number) for number in range(1, count + 1)) == size
    assert length_of_part(size, count + 1) <= 0
