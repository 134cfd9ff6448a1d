"""The deliverable: from the object store into the object store, at once or not at all, with little memory."""

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from app.delivery.bundle import HARMLESS, MAX_REPORT, NothingToDeliverError, put_together
from app.delivery.service import build
from app.errors import StorageDownError
from app.gateways import streams
from app.gateways.storage import NoSuchObjectError, Storage
from app.kit.ids import new_id
from app.portal import Portal
from app.settings import Settings
from tests.checkout.shop import audit, mails, order_of
from tests.conftest import SECRET, WEBHOOK_SECRET
from tests.faults.proxy import Proxy
from tests.helpers import ROOT, Sandbox, make_order, python, reload

MIB = 1024 * 1024
GROWTH = 96 * MIB  # what a build may take more than before, whatever the size of the result


def unfinished(storage: Storage, key: str) -> int:
    """Count the multipart uploads of a key that are open."""
    found = storage._s3.list_multipart_uploads(Bucket=storage.bucket, Prefix=key)  # noqa: SLF001  (what the bucket says)
    return len(found.get("Uploads", []))


def fail_at_the_end(storage: Storage, key: str, body: bytes) -> None:
    """Write an object and fail before its end."""
    with storage.write(key, "text/plain") as target:
        target.write(body)
        assert unfinished(storage, key) == 1
        raise RuntimeError


def noise(size: int) -> bytes:
    """Return bytes that can't be compressed, always the same."""
    return hashlib.shake_128(b"noise").digest(size)


def test_the_zip_and_its_manifest(portal: Portal, client: FlaskClient) -> None:
    """Everything that the program wrote, under the customer's name; size and SHA-256 in row and manifest."""
    order = order_of(portal, client, money="paid", filename="売上.csv")
    build(order.id)
    body = portal.storage.get(f"results/{order.id}/result.zip")
    archive = zipfile.ZipFile(io.BytesIO(body))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "結果_売上/report.html": b"<p>report",
        "結果_売上/plots/a.png": b"png",
        "結果_売上/tables/列.csv": b"a,b\n",
    }
    now = reload(portal, order)
    assert now.delivery is not None
    (file,) = now.delivery["files"]
    assert (file["size"], file["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    manifest = json.loads(portal.storage.get(f"results/{order.id}/manifest.json"))
    assert manifest["delivery"] == now.delivery
    assert now.kept_until is not None
    assert manifest["kept_until"] == now.kept_until.isoformat()


def test_building_again_changes_nothing(portal: Portal, client: FlaskClient) -> None:
    """A worker killed anywhere builds again: the same bytes, one opening, one mail."""
    order = order_of(portal, client, money="paid")
    first = put_together(order)
    assert put_together(order) == first
    build(order.id)
    build(order.id)
    assert reload(portal, order).delivery == first
    assert audit(portal, order) == ["work.delivered"]
    assert mails(portal, order) == ["result_open"]


@pytest.mark.parametrize(
    "columns", [{"money": "unpaid"}, {"money": "refunded"}, {"state": "analysing", "money": "paid"}]
)
def test_nothing_is_built_before_its_time(columns: dict[str, str], portal: Portal, client: FlaskClient) -> None:
    order = order_of(portal, client, **columns)
    build(order.id)
    assert reload(portal, order).delivery is None
    assert audit(portal, order) == []


def test_no_result_is_not_an_empty_zip(portal: Portal) -> None:
    order = make_order(portal, state="analysed", money="paid")
    with pytest.raises(NothingToDeliverError):
        build(order.id)
    assert reload(portal, order).state == "analysed"


def test_ac_u11_the_report_begins_with_our_policy(portal: Portal, client: FlaskClient) -> None:
    """The copy to look at: our policy before all that the program wrote, a byte order mark or not."""
    order = order_of(portal, client)
    key = f"results/{order.id}/run/report.html"
    portal.storage.put(key, b"\xef\xbb\xbf<!doctype html><title>x</title>", "text/plain")
    manifest = put_together(order)
    shown = portal.storage.get(manifest["report"]["key"])
    assert shown == HARMLESS + b"<!doctype html><title>x</title>"
    assert manifest["report"]["size"] == len(shown)
    portal.storage.put(key, b"", "text/html")
    assert put_together(order)["report"] is None
    portal.storage.put(key, b" " * (MAX_REPORT + 1), "text/html")
    assert put_together(order)["report"] is None
    portal.storage.delete(key)
    assert put_together(order)["report"] is None


def test_what_is_written_appears_whole_or_not_at_all(portal: Portal) -> None:
    """A failure after three parts of four leaves no object and no parts; without one, the object is whole."""
    key, body = f"test/{new_id()}", noise(streams.PART * 3 + 5)
    with pytest.raises(RuntimeError):
        fail_at_the_end(portal.storage, key, body)
    assert unfinished(portal.storage, key) == 0
    with pytest.raises(NoSuchObjectError):
        portal.storage.head(key)
    with portal.storage.write(key, "text/plain") as target:
        for start in range(0, len(body), MIB):
            target.write(body[start : start + MIB])
        with pytest.raises(NoSuchObjectError):
            portal.storage.head(key)
    assert (target.size, target.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert b"".join(portal.storage.stream(key)) == body
    for small in (b"", b"abc"):
        with portal.storage.write(key, "text/plain") as target:
            target.write(small)
        assert b"".join(portal.storage.stream(key)) == small


def test_a_read_that_breaks_goes_on_where_it_broke(portal: Portal, settings: Settings) -> None:
    """Torn in the middle of an object, the rest is asked for; torn for good, it is a named error."""
    key, body = f"test/{new_id()}", noise(32 * MIB)  # more than the buffers on the way hold
    portal.storage.put(key, body, "text/plain")
    proxy = Proxy(int(urlsplit(settings.s3_endpoint_url or "").port or 0))
    behind = Storage(settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{proxy.port}"}))
    try:
        pieces = behind.stream(key)
        read = next(pieces)
        with proxy.broken("cut", 2 * MIB):
            while len(read) < 3 * MIB:
                read += next(pieces)
        assert read + b"".join(pieces) == body
        assert proxy.calls > 1  # another connection
        pieces = behind.stream(key)
        next(pieces)
        with proxy.broken("refuse"), pytest.raises(StorageDownError):
            list(pieces)
    finally:
        proxy.close()


def test_memory_does_not_grow_with_the_result(sandbox: Sandbox, tmp_path: Path) -> None:
    """A result of 300 MB, half of which can't be compressed: the process that builds it grows by a few parts' size."""
    environment = {
        "PORTAL_ENV": "test",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}",
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "STRIPE_API_KEY": "sk_test_dummy_for_the_stand_in",
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "S3_BUCKET": "large-results",
        "S3_ENDPOINT_URL": sandbox.s3,
        "MAIL_TRANSPORT": "log",
        "MAIL_FROM": "no-reply@kaiseki.example",
    }
    values: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    storage = Storage(Settings(_env_file=None, **values))  # type: ignore[call-arg]
    storage.set_up()
    order_id = new_id()
    for name, body in (("noise", noise(15 * MIB)), ("nothing", bytes(15 * MIB))):
        with storage.write(f"results/{order_id}/run/{name}.bin", "application/octet-stream") as target:
            for _ in range(10):  # deflate looks back 32 KiB: the same noise again is noise to it
                target.write(body)
    done = subprocess.run(
        python("-m", "tests.delivery.grown", order_id),
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=160, check=False,
    )  # fmt: skip
    storage.delete_all(f"results/{order_id}/")
    assert done.returncode == 0, done.stderr
    grown, size = map(int, done.stdout.split()[-2:])
    assert size > 150 * MIB
    assert grown < GROWTH, f"{grown / MIB:.0f} MiB more"
