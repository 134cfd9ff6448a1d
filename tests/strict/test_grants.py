"""One file, one form: what each store takes and refuses (AC-U01)."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.portal import Portal
from tests.intake.shopper import CSV, Shopper, form_of, order_of, send, send_form
from tests.strict.conftest import PORTAL_ORIGIN
from tests.strict.sending import Sending

Fields = dict[str, str]


def test_ac_u01_both_stores_take_the_declared_file_and_none_longer_or_shorter(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    """The embedded store and Ceph's gateway take exactly the declared length, in the form of the page's script."""
    sending = Sending(client, email)
    url, fields = sending.form()
    for wrong in (CSV + b"x", CSV[:-1]):
        assert send_form(url, fields, wrong)[0] in {400, 403}
    assert not sending.lies_there(portal)
    assert send_form(url, fields, CSV)[0] == 201
    assert sending.confirm().status_code == 200
    assert sending.frozen(portal) == CSV


def test_ac_u01_both_stores_take_the_plain_form(portal: Portal, client: FlaskClient, email: str) -> None:
    """Without JavaScript the form leads back to the order's page, on both stores."""
    shopper = Shopper(client, email)
    where = shopper.order_plainly().headers["Location"]
    url, fields = form_of(client.get(where).text)
    status, headers = send_form(url, fields, CSV)
    # Amazon's S3 and the embedded store add `&bucket=...`, Ceph's gateway `?bucket=...` though there is a query.
    assert (status, headers["Location"].startswith(fields["success_action_redirect"])) == (303, True)
    assert f'action="{where}/uploaded"' in client.get(headers["Location"].removeprefix(PORTAL_ORIGIN)).text
    answer = client.post(f"{where}/uploaded", data={"csrf_token": shopper.token})
    assert (answer.status_code, order_of(portal, {"order_id": where.rsplit("/", 1)[-1]}).size) == (303, len(CSV))


def other(name: str, value: str) -> Callable[[Fields], None]:
    """Return a forgery that gives a field another value."""
    return lambda fields: fields.update({name: value})


def without(name: str) -> Callable[[Fields], None]:
    """Return a forgery that leaves a field out."""
    return lambda fields: fields.__delitem__(name)


def tampered_signature(fields: Fields) -> None:
    last = fields["x-amz-signature"][-1]
    fields["x-amz-signature"] = fields["x-amz-signature"][:-1] + ("0" if last != "0" else "1")


def widened_policy(fields: Fields) -> None:
    policy = json.loads(base64.b64decode(fields["policy"]))
    policy["conditions"] = [c for c in policy["conditions"] if not isinstance(c, list)]
    fields["policy"] = base64.b64encode(json.dumps(policy).encode()).decode()


def nothing_but_the_key(fields: Fields) -> None:
    for name in set(fields) - {"key"}:
        del fields[name]


FORGERIES: dict[str, Callable[[Fields], None]] = {
    "other key": other("key", f"orders/{new_id()}.kaiseki"),
    "other order's key": other("key", f"incoming/{new_id()}/grant"),
    "other type": other("Content-Type", "text/html"),
    "no type": without("Content-Type"),
    "other checksum": other("x-amz-checksum-sha256", base64.b64encode(bytes(32)).decode()),
    "no checksum": without("x-amz-checksum-sha256"),
    "other answer": other("success_action_status", "200"),
    "a redirect elsewhere": other("success_action_redirect", "https://evil.example/"),
    "public": other("acl", "public-read"),
    "other day": other("x-amz-date", "20200101T000000Z"),
    "other key id": other("x-amz-credential", "nobody/20261122/ap-northeast-1/s3/aws4_request"),
    "tampered signature": tampered_signature,
    "widened policy": widened_policy,
    "no signature": without("x-amz-signature"),
    "no policy": without("policy"),
    "nothing but the key": nothing_but_the_key,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("store", ["radosgw"], indirect=True)
def test_ac_u01_a_forged_form_is_refused(
    forge: Callable[[Fields], None], portal: Portal, client: FlaskClient, email: str
) -> None:
    """A store that enforces policies as AWS does refuses each field that is forged, added or left out."""
    sending = Sending(client, email)
    url, fields = sending.form()
    forged = dict(fields)
    forge(forged)
    assert forged != fields
    assert send_form(url, forged, CSV)[0] in {400, 403}
    assert not sending.lies_there(portal)
    assert list(portal.storage.list(forged["key"])) == []
    assert send_form(url, fields, CSV)[0] == 201


def test_ac_u01_a_form_is_good_for_fifteen_minutes(portal: Portal, strict: bool) -> None:  # noqa: FBT001  (a fixture)
    """Signed 14 minutes ago it is taken, 16 minutes ago refused."""
    for minutes, taken in ((14, True), (16, not strict)):
        key = f"incoming/{new_id()}/late"
        with time_machine.travel(system_clock() - timedelta(minutes=minutes)):
            signed = portal.storage.sign_post(key, (1, 100), {"success_action_status": "201"})
        assert (send_form(signed["url"], signed["fields"], CSV)[0] == 201) is taken
        assert bool(list(portal.storage.list(key))) is taken


@pytest.mark.parametrize("store", ["radosgw"], indirect=True)
def test_ac_u01_who_signs_nothing_gets_nothing(portal: Portal) -> None:
    """Reading, listing, writing and deleting without a signature: 403, on a store that asks for one."""
    key = f"orders/{new_id()}.kaiseki"
    portal.storage.put(key, CSV, "application/octet-stream")
    bucket = f"{portal.settings.s3_endpoint_url}/{portal.storage.bucket}"
    tries: list[tuple[str, str, bytes | None]] = [
        ("GET", f"{bucket}/{key}", None),
        ("GET", bucket, None),
        ("PUT", f"{bucket}/{key}", b"x"),
        ("POST", f"{bucket}/{key}?uploads", b""),
        ("DELETE", f"{bucket}/{key}", None),
    ]
    assert [send(*one)[0] for one in tries] == [403] * len(tries)
    assert portal.storage.get(key) == CSV


def test_ac_u01_a_field_that_the_policy_does_not_name_is_refused(
    portal_behind: Portal, client_behind: FlaskClient, email: str
) -> None:
    """AWS refuses form fields that no condition names; our own form has none, and passes."""
    sending = Sending(client_behind, email)
    url, fields = sending.form()
    assert send_form(url, {**fields, "x-amz-meta-note": "planted"}, CSV)[0] == 403
    assert not sending.lies_there(portal_behind)
    assert send_form(url, fields, CSV)[0] == 201
    assert sending.confirm().status_code == 200
