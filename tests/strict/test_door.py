"""The door itself: what it knows of S3's requests, and that it passes everything else as it is."""

from email.message import Message

import pytest

from app.kit.ids import new_id
from app.portal import Portal
from tests.helpers import wait_for
from tests.intake.shopper import CSV, send
from tests.strict.door import Door, Fault, operation


@pytest.mark.parametrize(
    ("method", "target", "name"),
    [
        ("PUT", "/b/k?partNumber=1&uploadId=x&X-Amz-Signature=y", "UploadPart"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=x", "CompleteMultipartUpload"),
        ("GET", "/b/k?uploadId=x", "ListParts"),
        ("GET", "/b/k?X-Amz-Signature=y", "GetObject"),
        ("GET", "/b?list-type=2&prefix=a", "ListObjectsV2"),
        ("POST", "/b", "PostObject"),
        ("OPTIONS", "/b/k", "Preflight"),
    ],
)
def test_requests_have_the_names_that_s3_gives_them(method: str, target: str, name: str) -> None:
    assert operation(method, target, Message()) == name


@pytest.mark.parametrize("store", ["ministack"], indirect=True)
def test_faults_are_played_and_lifted(portal_behind: Portal, door: Door) -> None:
    storage = portal_behind.storage
    key = f"runs/{new_id()}"
    storage.put(key, CSV, "text/csv")
    url = storage.sign("get_object", key)
    with door.broken(Fault("GetObject", "answer", times=1, status=503, code="SlowDown")):
        assert (send("GET", url)[0], send("GET", url)[0]) == (503, 200)
    for kind in ("torn", "lost"):
        with door.broken(Fault("*", kind)), pytest.raises(OSError, match=r".*"):
            send("PUT", storage.sign("put_object", f"{key}-{kind}"), b"new")
    assert [key for key, _ in storage.list(f"{key}-")] == [f"{key}-lost"]
    assert send("GET", url)[2] == CSV.decode()
    # What was answered is written down a moment later.
    wait_for(lambda: door.count("GetObject") >= 3 and ("GetObject", 503) in door.seen, what="the count")


@pytest.mark.parametrize("store", ["ministack"], indirect=True)
def test_raw_bytes_of_a_header_are_what_they_say(portal_behind: Portal, door: Door) -> None:
    """UTF-8 outside ISO-8859-1 is refused, the letters inside pass to the store."""
    url = portal_behind.storage.sign("get_object", f"runs/{new_id()}")
    assert send("GET", url, None, {"X-Note": "結果".encode().decode("latin-1")})[0] == 400
    assert send("GET", url, None, {"X-Note": "résumé"})[0] == 404
