"""Addresses in one canonical form (AC-L17)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.addresses import BadAddressError, canonical, masked


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("taro@example.jp", "taro@example.jp"),
        ("  Taro@X.JP ", "taro@x.jp"),
        ("Taro.Yamada+shop@Example.JP", "taro.yamada+shop@example.jp"),
        ("taro@日本語.jp", "taro@xn--wgv71a119e.jp"),
        ("admin@ex\u0430mple.com", "admin@xn--exmple-4nf.com"),
        ("o'hara@example.jp", None),
        ("mi\u212ae@example.jp", None),
        ("\u0131@example.jp", None),
        ("\u0130@example.jp", None),
        ("\uff41@example.jp", None),
        ("e\u0301@example.jp", None),
        ("a@example.jp\u200b", None),
        ("a@b.com\r\nBcc: c@example.jp", None),
        ("a@b.com\n", None),
        ("a\t@b.com", None),
        ("a b@example.jp", None),
        ("a@b@example.jp", None),
        ("a@example.jp, b@example.jp", None),
        ("a@example.jp;b@example.jp", None),
        ('"a b"@example.jp', None),
        ("<a@example.jp>", None),
        ("a..b@example.jp", None),
        (".a@example.jp", None),
        ("a@[127.0.0.1]", None),
        ("a@-example.jp", None),
        ("a@", None),
        ("@example.jp", None),
        ("a", None),
        ("", None),
        (f"{'a' * 65}@example.jp", None),
        (f"a@{'.'.join(['b' * 60] * 4)}.jp", "a@" + ".".join(["b" * 60] * 4) + ".jp"),
        (f"a@{'.'.join(['b' * 60] * 4)}.example.jp", None),
    ],
)
def test_canonical(typed: str, stored: str | None) -> None:
    if stored is None:
        with pytest.raises(BadAddressError):
            canonical(typed)
    else:
        assert canonical(typed) == stored


@given(st.text(max_size=80) | st.emails())
def test_canonical_is_ascii_lower_case_and_stays_what_it_is(typed: str) -> None:
    try:
        stored = canonical(typed)
    except BadAddressError:
        return
    assert stored.isascii()
    assert stored == stored.lower()
    assert stored.count("@") == 1
    assert not set(stored) & set(" \t\r\n,;\"'<>()")
    assert len(stored) <= 254
    assert canonical(stored) == stored


def test_masked() -> None:
    assert masked("taro@example.jp") == "t***@example.jp"
