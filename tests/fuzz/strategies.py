"""What outsiders may send: any text, and the texts that have broken others before.

The examples are the same in every run, few, and written nowhere. FUZZ_EXAMPLES=1000 hunts longer, anew each time.
"""

import json
import os
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote_from_bytes

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.helpers import ROOT

HUNT = int(os.environ.get("FUZZ_EXAMPLES", "0"))


def fuzz(examples: int) -> settings:
    """Return hypothesis's settings for a test with so many examples; each may take ten seconds, so none hangs."""
    return settings(
        max_examples=HUNT or examples,
        derandomize=not HUNT,
        database=None,
        deadline=timedelta(seconds=10),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


NASTY = (
    "", " ", "\0", "a\0b", "\r\nSet-Cookie: x=1", "\x1b[31m", "'", "' OR '1'='1", '"', "`", "\\", "%", "%00",
    "%ZZ", "_", "<script>alert(1)</script>", "{{7*7}}", "${7*7}", "../../etc/passwd", "..\\..",
    "//evil.example", "/\\evil.example", "javascript:alert(1)", "http://[", "http://[::1", "0", "-1", "1", "2",
    "99999999999999999999", "9" * 5000, "1e999", "NaN", "٣", "²", "½", "true", "null", "[]", "{}", "[" * 2000,
    "é", "ＡＢＣＤ－ＥＦＧＨ", "ß", "İ", "\u212a", "\u202e", "\ufeff", "\ud7ff", "\U0010ffff", "😀" * 50,
    "A" * 3000, "a@b.jp", "a@" + "b" * 300, "@", "a@[127.0.0.1]", "a@xn--", "a@xn--a.jp", '"a b"@example.jp',
    "a@b.jp,c@d.jp", "cs_test_x", "pi_\0", "evt_1", "re_", "card", "konbini", "en", "xx", "history.index",
    "orders.show", "staff.order", "20260101T000000.000000_evt_1", "20261301T000000.000000_evt_1",
    "99991231T235959.999999_" + "f" * 36, "00010101T000000.000000_" + "0" * 36, "ABCD-EFGH", "000000",
    "01234567-89ab-4cde-8f01-23456789abcd", "01234567", "static", "_external", "eyJ.x.y", ".", "..", "-", "=",
    "&", ";", "a=b&c=d",
)  # fmt: skip

word = st.sampled_from(NASTY) | st.text(max_size=60)

# As a client writes them: any bytes, escaped.
escaped = word.map(lambda text: quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")) | st.binary(
    max_size=20
).map(lambda raw: quote_from_bytes(raw, safe=""))

# What a header can carry over the wire: Latin-1 without ends of line.
header = (st.sampled_from(NASTY) | st.text(st.characters(max_codepoint=255), max_size=60)).map(
    lambda text: re.sub(r"[\r\n]", "", text).encode("latin-1", "replace").decode("latin-1")
)

plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**15, 10**30)
    | st.floats()
    | word
    | st.sampled_from(["checkout.session.completed", "cs_test_1", "event", "a\ud800", "cs_test_\ud800", "evt_\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(word, inner, max_size=4),
    max_leaves=12,
)
not_json = st.sampled_from(
    [b"", b"{", b"[" * 100_000, b'"\xff"', b"nul", b"1" * 5000, b'{"a":1}x', b"\xef\xbb\xbf{}", b'"\\ud800"']
)


def as_json(value: Any) -> bytes:
    """Write JSON as Python does, NaN and all; in ASCII, so that half a surrogate pair travels too."""
    return json.dumps(value).encode()


json_body = plain_json.map(as_json) | not_json | st.binary(max_size=60)


def names_read() -> list[str]:
    """List the names of every parameter and field that the portal reads, and some that url_for and Python read."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    found = set(re.findall(r'(?:args|form|values)\.(?:get|getlist)\("(\w+)"', code))
    found |= set(re.findall(r'form\.get\("(\w+)"', code))
    own = {"q", "before", "sha256", "size", "filename", "locale", "csrf_token", "sent", "voucher_known"}
    return sorted(found | own | {"_external", "_scheme", "_anchor", "_method", "endpoint", "self", "order_id"})


NAMES = names_read()
fields = st.dictionaries(st.sampled_from(NAMES) | word.filter(bool), word, max_size=6)
query = (
    st.lists(st.tuples(st.sampled_from(NAMES) | escaped, escaped), max_size=5).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
    )
    | escaped
)

HEADERS = (
    "Accept", "Accept-Language", "Accept-Encoding", "Authorization", "Cache-Control", "Content-Type",
    "Content-Encoding", "Forwarded", "HX-Request", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
    "If-Unmodified-Since", "Origin", "Range", "Referer", "Sec-Fetch-Site", "User-Agent", "X-CSRFToken",
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-HTTP-Method-Override",
    "X-Request-Id",
)  # fmt: skip
useful = st.sampled_from(
    ["application/json", "text/html", "*/*;q=x", "en;q=1e400", "ja,en;q=0.9", "-", "en-" * 500, "bytes=0-", "bytes=5-1",
     "gzip", "Wed, 21 Oct 2099 07:28:00 GMT", "Thu, 01 Jan 0000 00:00:00 GMT", 'W/"x"', "true", "cross-site", "null",
     "multipart/form-data", "multipart/form-data; boundary=", "application/x-www-form-urlencoded; charset=utf-7",
     "for=_x;host=evil.example", "192.0.2.1, evil", "[::1]:99999"]
)  # fmt: skip
headers = st.dictionaries(st.sampled_from(HEADERS), useful | header, max_size=4)
COOKIES = ("portal", "session", "claim", "login", "lang", "device", "remember_token")
cookies = st.dictionaries(st.sampled_from(COOKIES), header.map(lambda text: text[:3000]), max_size=3)
