"""After the confirmation the file is frozen, on both stores (AC-U03, AC-U04)."""

import hashlib

import pytest
from flask.testing import FlaskClient

from app.gateways.storage import NoSuchObjectError, ObjectChangedError
from app.kit.ids import new_id
from app.portal import Portal
from tests.intake.shopper import CSV, send_form
from tests.strict.sending import Sending

OTHER = CSV.replace(b"100", b"999")


def test_ac_u04_both_stores_a_reused_grant_changes_nothing(portal: Portal, client: FlaskClient, email: str) -> None:
    """The signed form, sent again after the confirmation: the frozen file and the order stay as they are."""
    sending = Sending(client, email)
    url, fields = sending.send_whole()
    assert sending.confirm().status_code == 200
    before = sending.order(portal)
    send_form(url, fields, OTHER)  # taken or not: it is no longer looked at
    assert sending.confirm().status_code == 200
    after = sending.order(portal)
    assert sending.frozen(portal) == CSV
    assert (after.sha256, after.size, after.uploaded_at) == (before.sha256, before.size, before.uploaded_at)
    assert after.sha256 == hashlib.sha256(CSV).hexdigest()


def test_ac_u04_both_stores_copy_only_what_was_looked_at(portal: Portal) -> None:
    """Changed or gone between the look and the copy: nothing is frozen."""
    source, target = f"incoming/{new_id()}/race", f"orders/{new_id()}.kaiseki"
    portal.storage.put(source, CSV, "application/octet-stream")
    seen = portal.storage.head(source)
    portal.storage.put(source, OTHER, "application/octet-stream")
    with pytest.raises(ObjectChangedError):
        portal.storage.freeze(source, target, seen.etag)
    portal.storage.delete(source)
    with pytest.raises(NoSuchObjectError):
        portal.storage.freeze(source, target, seen.etag)
    assert list(portal.storage.list(target)) == []


def test_ac_u03_both_stores_tell_size_and_no_more_than_they_know(portal: Portal) -> None:
    """What a store says of an object: its size, and a checksum only where it is that of the whole object."""
    key = f"incoming/{new_id()}/file"
    portal.storage.put(key, CSV, "application/octet-stream")
    seen = portal.storage.head(key)
    assert (seen.size, seen.sha256) == (len(CSV), None)
    portal.storage.freeze(key, f"{key}-frozen", seen.etag)
    assert portal.storage.get(f"{key}-frozen") == CSV
