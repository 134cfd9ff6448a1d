"""File names: safe to show, safe to offer again at download (AC-U09, AC-U10)."""

from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.filenames import MAX_LENGTH, attachment, display_name, extension_of


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("売上 2025.csv", "売上 2025.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\taro\\売上.csv", "売上.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie x.csv"),
        ("gpj.\u202evsc.exe", "gpj.vsc.exe"),
        ("a\u200bb\ufeff.csv", "ab.csv"),
        ("か\u3099.csv", "が.csv"),
        ('a"b<c>|?*.csv', "abc.csv"),
        ("...", "file"),
        ("", "file"),
        ("/", "file"),
    ],
)
def test_ac_u09_display_name(raw: str, shown: str) -> None:
    """Paths, controls, direction marks and reserved characters are gone from a shown name."""
    assert display_name(raw) == shown


def test_a_long_name_keeps_its_extension() -> None:
    shown = display_name("あ" * 300 + ".csv")
    assert len(shown) == MAX_LENGTH
    assert shown.endswith(".csv")
    assert len(display_name("あ" * 300)) == MAX_LENGTH
    assert len(display_name("a." + "b" * 300)) == MAX_LENGTH


@given(st.text(max_size=400))
def test_ac_u09_display_name_holds_no_path_and_no_control(raw: str) -> None:
    """Whatever text is given: no path, no control character, never too long, never empty."""
    shown = display_name(raw)
    assert 0 < len(shown) <= MAX_LENGTH
    assert shown not in {".", ".."}
    assert not any(ord(c) < 32 or c in '/\\"<>|:*?\u202e\u2066\u200b' for c in shown)


@pytest.mark.parametrize(
    ("name", "extension"), [("a.CSV", ".csv"), ("a.tar.gz", ".gz"), ("a", ""), ("a.", "."), (".csv", ".csv")]
)
def test_extension_of(name: str, extension: str) -> None:
    assert extension_of(name) == extension


def test_ac_u10_attachment_is_ascii_and_reads_back() -> None:
    """The header is ASCII, and the name in it reads back."""
    value = attachment("結果 50%_'taxis'.zip", "result.zip")
    assert value.isascii()
    header = Message()
    header["Content-Disposition"] = value
    assert value.startswith('attachment; filename="result.zip"; ')
    assert unquote(value.partition("filename*=UTF-8''")[2]) == "結果 50%_'taxis'.zip"


@given(st.text(max_size=200))
def test_ac_u10_attachment_can_not_be_broken_out_of(name: str) -> None:
    """Whatever text is given: nothing in it ends the header's value."""
    value = attachment(name, "result.zip")
    assert value.isascii()
    rest = value.partition("filename*=UTF-8''")[2]
    assert not set(rest) & set('\r\n;" \\')
