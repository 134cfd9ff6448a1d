"""Files that are told to be wrong before a byte of them is sent, in both languages; and names from a Mac."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.models import Order
from app.portal import EXTENSION, Portal
from tests.browser.conftest import audit
from tests.browser.gate import SEND, fill
from tests.files import taxis

# What is tested does not depend on the database.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("backend", ["sqlite"], indirect=True, scope="session")]

EXE = b"MZ\x90\0" + bytes(56) + b"\x80\0\0\0" + bytes(200)
ZIP = b"PK\x03\x04" + bytes(200)
# name, content, what the message says in Japanese and English
WRONG: dict[str, tuple[str, bytes | int, str, str]] = {
    "empty": ("空.csv", b"", "空です", "is empty"),
    "wrong type": ("絵.png", b"\x89PNG\r\n\x1a\n", ".csv", ".csv"),
    "no ending": ("csv", b"a,b\n1,2\n", ".csv", ".csv"),
    "a PDF": ("報告.csv", b"%PDF-1.7\n", "PDF", "PDF"),
    "a ZIP": ("book.CSV", ZIP, "ZIP", "ZIP"),
    "a program": ("data.tsv", EXE, "EXE", "EXE"),
    "a picture": ("写真.txt", b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG", "JPEG"),
    "too large": ("large.csv", 100_000_001, "100 MB", "100 MB"),
}


def write(path: Path, content: bytes | int) -> Path:
    """Write a file: these bytes, or so many zeros that take no room on the disk."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with path.open("wb") as file:
            file.truncate(content)
    return path


@pytest.mark.parametrize("language", ["ja-JP", "en-US"])
def test_a_wrong_file_is_refused_before_a_byte_is_sent(
    new_browser: Callable[..., Page], email: str, tmp_path: Path, language: str
) -> None:
    page = new_browser(language)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method != "GET" else None)
    fill(page, email, write(tmp_path / "good.csv", b"a,b\n1,2\n"), "quick-look")
    error = page.locator("#file-error")
    for case, (name, content, in_japanese, in_english) in WRONG.items():
        page.set_input_files("#file", str(write(tmp_path / name, content)))
        sentence = in_japanese if language == "ja-JP" else in_english
        expect(error, case).to_contain_text(sentence)  # at once, without the button
        page.locator("#email").focus()
        page.click(SEND)
        expect(page.locator("#file"), case).to_be_focused()
        expect(error, case).to_contain_text(sentence)
    assert audit(page) == []
    assert sent == []


@pytest.mark.parametrize("content", [b"MZ,intensity\n1,2\n" * 20, b"PK;name\n1;2\n"], ids=["MZ", "PK"])
def test_a_table_that_only_begins_like_something_else_is_taken(
    new_browser: Callable[..., Page], email: str, tmp_path: Path, content: bytes
) -> None:
    page = new_browser()
    fill(page, email, write(tmp_path / "table.csv", content))
    page.click(SEND)
    page.wait_for_url("**/orders/*")


def test_a_name_from_a_mac_is_shown_whole(
    new_browser: Callable[..., Page], app: Flask, email: str, tmp_path: Path
) -> None:
    name = "データが「ガギグ」.csv"
    apart = unicodedata.normalize("NFD", name)
    assert apart != name
    page = new_browser()
    fill(page, email, write(tmp_path / apart, taxis(tmp_path).read_bytes()))
    expect(page.locator("[data-part=chosen]")).to_contain_text(name)
    page.click(SEND)
    page.wait_for_url("**/orders/*")
    here: Portal = app.extensions[EXTENSION]
    with here.database.transaction() as session:
        assert session.scalars(select(Order.filename).where(Order.email == email)).all() == [name]
