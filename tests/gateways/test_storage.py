"""The object store through the gateway, against the real stand-in."""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from app.errors import StorageDownError
from app.gateways.storage import NoSuchObjectError, Storage
from app.kit.filenames import attachment
from app.kit.ids import new_id
from app.portal import Portal
from app.settings import Settings
from tests.helpers import free_port


@pytest.fixture
def key() -> str:
    return f"test/{new_id()}"


def test_put_head_get_list_delete(portal: Portal, key: str) -> None:
    portal.storage.put(f"{key}/a", b"abc", "text/plain")
    portal.storage.put_json(f"{key}/b", {"名前": 1})
    assert portal.storage.head(f"{key}/a").size == 3
    assert portal.storage.get(f"{key}/b") == '{"名前": 1}'.encode()
    assert sorted(portal.storage.list(f"{key}/")) == [(f"{key}/a", 3), (f"{key}/b", 13)]
    portal.storage.delete_all(f"{key}/")
    portal.storage.delete(f"{key}/a")  # a missing one is fine
    assert list(portal.storage.list(f"{key}/")) == []


def test_a_missing_object_has_a_name_of_its_own(portal: Portal, key: str, tmp_path: Path) -> None:
    for look in (
        portal.storage.head,
        portal.storage.get,
        lambda k: portal.storage.download(k, tmp_path / "x"),
    ):
        with pytest.raises(NoSuchObjectError):
            look(key)
    with pytest.raises(NoSuchObjectError):
        portal.storage.freeze(key, f"{key}-copy", '"etag"')


def test_large_files_go_and_come_in_parts(portal: Portal, key: str, tmp_path: Path) -> None:
    body = hashlib.sha256(key.encode()).digest() * (20 * 1024 * 1024 // 32)
    (tmp_path / "up").write_bytes(body)
    portal.storage.upload(tmp_path / "up", key, "text/csv")
    portal.storage.freeze(key, f"{key}-copy", portal.storage.head(key).etag)
    portal.storage.download(f"{key}-copy", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == body


def test_a_store_that_is_away_is_a_named_error(settings: Settings, tmp_path: Path) -> None:
    away = Storage(settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"}))
    (tmp_path / "x").write_bytes(b"x")
    calls: list[Any] = [
        lambda: away.head("x"),
        lambda: away.put("x", b"", "text/plain"),
        lambda: list(away.list("x")),
        lambda: away.upload(tmp_path / "x", "x", "text/plain"),
        lambda: away.download("x", tmp_path / "y"),
        away.ready,
    ]
    for call in calls:
        with pytest.raises(StorageDownError):
            call()


def test_ac_u10_u12_a_download_link_forces_name_and_type(portal: Portal, key: str) -> None:
    """The store answers with our name and type, whatever was stored, and only for the signed name."""
    portal.storage.put(key, b"<script>", "text/html")
    name = attachment("結果_売上.zip", "result.zip")
    url = portal.storage.sign_download(key, name, "application/zip")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Disposition"] == name
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert "X-Amz-Expires=300" in url
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("result.zip", "other.html"), timeout=10)


def test_signed_addresses_are_those_that_browsers_reach(settings: Settings) -> None:
    storage = Storage(settings.model_copy(update={"s3_public_url": "https://files.example.jp"}))
    assert storage.sign("get_object", "a").startswith("https://files.example.jp/")
    assert storage.sign_post("a", (1, 2), {})["url"].startswith("https://files.example.jp/")
