"""The store refuses, stumbles, is torn away or silent: for the portal's own calls, and for the browser's parts."""

import hashlib
from typing import Literal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.errors import StorageDownError
from app.gateways import storage
from app.portal import Portal
from app.settings import Settings
from tests.helpers import wait_for
from tests.intake.shopper import CSV, send
from tests.strict.door import Door, Fault
from tests.strict.sending import Sending, large

Kind = Literal["answer", "torn", "lost", "silence"]
DENIED = (403, "AccessDenied")
BROKEN = (500, "InternalError")
BUSY = (503, "SlowDown")

embedded = pytest.mark.parametrize("store", ["ministack"], indirect=True)
"""What the door itself answers is the same before every store."""


@pytest.fixture
def sending(client_behind: FlaskClient, email: str) -> Sending:
    return Sending(client_behind, email)


@pytest.fixture
def parts(client_behind: FlaskClient, email: str) -> Sending:
    return Sending(client_behind, email, large())


def untouched(portal: Portal, sending: Sending) -> bool:
    """Tell whether an order still waits for its file, with nothing frozen of it."""
    order = sending.order(portal)
    frozen = [key for key, _ in portal.storage.list(f"orders/{order.id}.kaiseki")]
    return (order.state, order.money, order.size, frozen) == ("waiting", "unpaid", None, [])


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("answer", *DENIED), ("answer", *BROKEN), ("answer", *BUSY), ("torn", 0, "")],
)
@pytest.mark.parametrize("operation", ["HeadObject", "CopyObject"])
@embedded
def test_confirming_while_the_store_fails(
    portal_behind: Portal, sending: Sending, door: Door, operation: str, kind: Kind, status: int, code: str
) -> None:
    """503 and a word that it can be tried again; nothing has moved, and the next try succeeds."""
    sending.send_whole()
    with door.broken(Fault(operation, kind, status=status, code=code)):
        answer = sending.confirm()
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "storage_down")
    assert untouched(portal_behind, sending)
    assert sending.confirm().status_code == 200
    assert sending.frozen(portal_behind) == CSV


@embedded
def test_a_store_that_never_answers_is_given_up(
    app: Flask, settings_behind: Settings, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wait ends, and so do the tries; here after a second each, that nobody has to wait for it."""
    monkeypatch.setattr(storage, "READ_TIMEOUT_S", 1)
    monkeypatch.setattr(storage, "ATTEMPTS", 2)
    impatient = storage.Storage(settings_behind)
    before = door.count("HeadObject")
    with door.broken(Fault("HeadObject", "silence")), pytest.raises(StorageDownError):
        impatient.head("runs/silence")
    wait_for(lambda: door.count("HeadObject") == before + 2, what="two tries")


@pytest.mark.parametrize("kind", ["answer", "torn", "lost"])
@pytest.mark.parametrize("operation", ["HeadObject", "CopyObject", "PutObject"])
def test_one_stumble_is_not_noticed(
    portal_behind: Portal, sending: Sending, door: Door, operation: str, kind: Kind
) -> None:
    """A call that fails once, or is done and its answer lost, is repeated; on both stores that changes nothing."""
    sending.send_whole()
    with door.broken(Fault(operation, kind, times=1, status=503, code="SlowDown")):
        assert sending.confirm().status_code == 200
    order = sending.order(portal_behind)
    assert (order.state, order.sha256) == ("uploaded", hashlib.sha256(CSV).hexdigest())
    assert sending.frozen(portal_behind) == CSV


@embedded
def test_frozen_and_then_the_store_was_gone(portal_behind: Portal, sending: Sending, door: Door) -> None:
    """The copy is made and the order's record is not: the order waits, and confirming again completes it."""
    sending.send_whole()
    with door.broken(Fault("PutObject", "answer", status=503, code="SlowDown")):
        assert sending.confirm().status_code == 503
    assert sending.order(portal_behind).state == "waiting"
    assert sending.confirm().status_code == 200
    assert sending.order(portal_behind).state == "uploaded"


@pytest.mark.parametrize("kind", ["answer", "torn"])
@embedded
def test_a_file_written_in_parts_appears_whole_or_not_at_all(
    portal_behind: Portal, door: Door, email: str, kind: Kind
) -> None:
    """Building a result while the store fails: no half object, no parts left behind."""
    key = f"results/{email}/result.zip"
    store = portal_behind.storage

    def write() -> None:
        with store.write(key, "application/zip") as file:
            for _ in range(20):
                file.write(bytes(1024 * 1024))

    with door.broken(Fault("UploadPart", kind, status=503, code="SlowDown")), pytest.raises(StorageDownError):
        write()
    assert list(store.list(key)) == []
    assert not store._s3.list_multipart_uploads(Bucket=store.bucket, Prefix=key).get("Uploads")  # noqa: SLF001
    write()
    assert list(store.list(key)) == [(key, 20 * 1024 * 1024)]


def test_the_browsers_parts_are_repeated_until_they_are_there(
    portal_behind: Portal, parts: Sending, door: Door
) -> None:
    """A part that is refused, or arrives and the browser never hears of it, is sent again with the same signature."""
    (first, headers), (second, more) = parts.part(1), parts.part(2)
    with door.broken(Fault("UploadPart", "answer", times=1, status=503, code="SlowDown")):
        assert [send("PUT", first, parts.piece(1), headers)[0] for _ in range(2)] == [503, 200]
    with door.broken(Fault("UploadPart", "lost", times=1)), pytest.raises(OSError, match=r".*"):
        send("PUT", second, parts.piece(2), more)
    assert parts.arrived() == [1, 2]  # it had come
    assert send("PUT", second, parts.piece(2), more)[0] == 200
    assert parts.confirm().status_code == 200
    assert parts.frozen(portal_behind) == parts.body


@pytest.mark.parametrize("kind", ["answer", "torn", "lost"])
def test_the_store_stumbles_while_the_parts_are_put_together(
    portal_behind: Portal, parts: Sending, door: Door, kind: Kind
) -> None:
    """However that call fails, confirming again completes it once; on both stores."""
    parts.send_part(1)
    parts.send_part(2)
    with door.broken(Fault("CompleteMultipartUpload", kind, status=500)):
        assert parts.confirm().status_code in {200, 503}
    assert parts.confirm().status_code == 200
    order = parts.order(portal_behind)
    assert (order.size, order.sha256) == (len(parts.body), None)  # its checksum is known when it is looked at
    assert parts.frozen(portal_behind) == parts.body


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "ListParts"])
@embedded
def test_the_store_fails_while_an_upload_begins_or_goes_on(
    portal_behind: Portal, client_behind: FlaskClient, email: str, door: Door, operation: str
) -> None:
    """503 and nothing lost: the same order goes on once the store is back."""
    sending = Sending(client_behind, email, large())
    sending.send_part(2)
    with door.broken(Fault(operation, "answer", status=503, code="SlowDown")):
        answer = sending.ask("upload", filename="売上.csv", size=len(sending.body))
        assert answer.status_code == (503 if operation == "ListParts" else 200)
    assert sending.arrived() == [2]
    assert untouched(portal_behind, sending)


@embedded
def test_a_part_torn_in_the_middle_leaves_nothing(portal_behind: Portal, parts: Sending, door: Door) -> None:
    url, headers = parts.part(1)
    door.line.breaks = 5_000_000
    try:
        with pytest.raises(OSError, match=r".*"):
            send("PUT", url, parts.piece(1), headers)
    finally:
        door.line.breaks = 0
    assert parts.arrived() == []
    assert send("PUT", url, parts.piece(1), headers)[0] == 200
    assert parts.confirm().status_code == 409  # not all of it is there
    assert untouched(portal_behind, parts)
