"""Addresses in logs are masked, wherever in a line they stand (AC-P04)."""

import json
import subprocess

import pytest

from app.kit.addresses import mask_all
from tests.helpers import ROOT, python

WRITE = """
import logging, structlog
from app import create_app
create_app()
log = structlog.get_logger()
log.info("field", to="taro@example.jp", more=["hanako@example.jp", {"x": "jiro@example.jp"}])
log.warning("in the text of saburo@example.jp")
logging.getLogger("a.library").warning("GET /v1/sessions?email=%s", "shiro%40example.jp")
try:
    raise ValueError("goro@example.jp is known already")
except ValueError:
    log.exception("a traceback")
log.info("bytes", raw=b"rokuro@example.jp", error=KeyError("nanako@example.jp"))
"""
NAMES = ("taro", "hanako", "jiro", "saburo", "shiro", "goro", "rokuro", "nanako")


@pytest.mark.parametrize("kind", ["test", "demo"])
def test_ac_p04_no_address_reaches_the_log(environment: dict[str, str], kind: str) -> None:
    """Fields, texts, other libraries' lines and tracebacks: every address is masked, and JSON stays JSON."""
    surroundings = {**environment, "PORTAL_ENV": kind}
    done = subprocess.run(python("-c", WRITE), cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True)
    assert not [name for name in NAMES if name in done.stderr], done.stderr
    for mask in ("t***@example.jp", "h***@example.jp", "s***%40example.jp", "g***@example.jp"):
        assert mask in done.stderr
    if kind == "test":
        assert len([json.loads(line) for line in done.stderr.splitlines()]) == 5


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("taro@example.jp", "t***@example.jp"),
        ("a taro+tag@sub.example.co.jp, b", "a t***@sub.example.co.jp, b"),
        ("<taro@example.jp>", "<t***@example.jp>"),
        ("mailto:taro%40example.jp&x=1", "mailto:t***%40example.jp&x=1"),
        ("taro@xn--r8jz45g.jp", "t***@xn--r8jz45g.jp"),
        ("t***@example.jp", "t***@example.jp"),
        (r'{"a": "\u0001taro@x.jp\ntaro@x.jp"}', r'{"a": "\u0001t***@x.jp\nt***@x.jp"}'),
        ("a@b@c.jp", "a***@b@c.jp"),
        ("no address @ all", "no address @ all"),
        ("", ""),
    ],
)
def test_ac_p04_what_is_masked(text: str, masked: str) -> None:
    """The first letter and the domain stay, in plain text, in URLs and in JSON."""
    assert mask_all(text) == masked
