"""The bucket itself: whose pages may use it, its rules set on a store that is not AWS, versions (AC-U07, AC-U16)."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from app.gateways.storage import NoSuchObjectError
from app.kit.ids import new_id
from app.portal import Portal
from tests.intake.shopper import send
from tests.strict.conftest import PORTAL_ORIGIN, allow_writing


def preflight(portal: Portal, origin: str, method: str = "PUT") -> tuple[int, dict[str, str]]:
    """Ask the store as a browser does before it sends a part."""
    asks = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}
    url = f"{portal.settings.s3_endpoint_url}/{portal.storage.bucket}/incoming/{new_id()}/x"
    status, headers, _ = send("OPTIONS", url, None, {"Origin": origin, **asks})
    return status, {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("store", ["radosgw"], indirect=True)
def test_ac_u16_the_store_answers_the_portals_pages_and_no_others(portal: Portal) -> None:
    """A preflight of the portal's own origin is allowed what an upload needs; of any other nothing is reflected."""
    for method in ("PUT", "POST", "GET", "DELETE"):
        status, headers = preflight(portal, PORTAL_ORIGIN, method)
        assert (status, headers["access-control-allow-origin"]) == (200, PORTAL_ORIGIN)
        assert method in headers["access-control-allow-methods"]
    for other in ("https://evil", "null", f"{PORTAL_ORIGIN}.evil.example", PORTAL_ORIGIN.replace("http:", "https:")):
        status, headers = preflight(portal, other)
        assert "access-control-allow-origin" not in headers, other
        assert status == 403
    assert preflight(portal, PORTAL_ORIGIN, "PATCH")[0] == 403


def test_ac_u07_both_stores_take_the_rules_again_and_again(portal: Portal) -> None:
    """`portal storage setup` on stores that are not AWS; a rule that a store does not know is told apart."""
    portal.storage.set_up()
    told = {rule.operation: state for rule, state in portal.storage.look_at_rules()}
    allow_writing(portal.storage)
    assert {told.pop(name) for name in ("bucket_encryption", "bucket_ownership_controls")} <= {"right", "unknown"}
    assert set(told.values()) == {"right"}
    portal.storage.ready()


def test_files_go_come_and_are_listed(portal: Portal, tmp_path: Path) -> None:
    prefix = f"results/{new_id()}/"
    body = hashlib.sha256(prefix.encode()).digest() * (20 * 1024 * 1024 // 32)
    (tmp_path / "up").write_bytes(body)
    portal.storage.upload(tmp_path / "up", f"{prefix}b/大きい.bin", "application/octet-stream")
    portal.storage.put(f"{prefix}a+b c.txt", b"abc", "text/plain")
    portal.storage.put_json(f"{prefix}c.json", {"名前": 1})
    assert list(portal.storage.list(prefix)) == [
        (f"{prefix}a+b c.txt", 3),
        (f"{prefix}b/大きい.bin", len(body)),
        (f"{prefix}c.json", 13),
    ]
    assert [key for key, _ in portal.storage.list(prefix, after=f"{prefix}b/大きい.bin")] == [f"{prefix}c.json"]
    portal.storage.download(f"{prefix}b/大きい.bin", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == body
    assert b"".join(portal.storage.stream(f"{prefix}b/大きい.bin")) == body
    portal.storage.delete_all(prefix)
    assert list(portal.storage.list(prefix)) == []
    for look in (portal.storage.head, portal.storage.get):
        with pytest.raises(NoSuchObjectError):
            look(f"{prefix}c.json")


def test_what_is_purged_is_gone_with_every_version(portal: Portal) -> None:
    prefix = f"orders/{new_id()}"
    client = portal.storage._s3  # noqa: SLF001  (a bucket of the operator's that keeps versions)
    bucket = f"kept-{new_id()[:13]}"
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keeping = type(portal.storage)(portal.settings.model_copy(update={"s3_bucket": bucket}))
    for body in (b"1", b"2", b"3"):
        keeping.put(prefix, body, "text/plain")
    keeping.delete(prefix)
    keeping.put(f"{prefix}-other", b"4", "text/plain")
    soon = portal.clock() + timedelta(days=1)
    assert list(keeping.list(prefix)) == [(f"{prefix}-other", 1)]
    assert keeping.count(prefix, soon) == 5
    assert keeping.purge(prefix, only_old=True) == 3
    assert keeping.get(f"{prefix}-other") == b"4"
    assert keeping.purge(prefix, before=soon) == 2
    assert keeping.count(prefix, soon) == 0
