"""What the portal is made of is pinned, and an audit that could ask nobody is not green (AC-H16)."""

import re

import pytest

from deploy.audit import FILES, verdict
from tests.helpers import ROOT

HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": ""}


@pytest.mark.parametrize("file", [*FILES, "requirements/scan.txt", "requirements/container.txt"])
def test_ac_h16_every_requirement_is_pinned_with_hashes(file: str) -> None:
    """Each requirement has one version and at least one SHA-256, and no file names a registry."""
    text = (ROOT / file).read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[\w.\[\],-]+==[\w.!+]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|@ ", text)


def test_ac_h16_the_front_end_is_locked() -> None:
    """package-lock.json has a checksum for each package, and names no registry."""
    text = (ROOT / "package-lock.json").read_text()
    assert text.count('"integrity": "sha512-') > 5
    assert "resolved" not in text or "https://" not in text


def test_ac_h16_an_audit_that_could_not_look_is_not_green() -> None:
    """Nothing known is 0, a hole is 1, a skipped package or no answer is 2."""
    good = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "1", "vulns": [HOLE]}
    skipped = {"name": "c", "skip_reason": "ConnectionError"}
    assert verdict({"dependencies": [good]}, "")[0] == 0
    assert verdict({"dependencies": [good, bad, skipped]}, "") == (1, ["b 1: PYSEC-1, mended in 2.0"])
    assert verdict({"dependencies": [good, skipped]}, "")[0] == 2
    assert verdict({"dependencies": []}, "")[0] == 2
    assert verdict(None, "trouble\nConnectionError: no way out")[1] == ["could not look: ConnectionError: no way out"]
