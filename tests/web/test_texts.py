"""Every text of the pages is there in Japanese, with the same things to fill in."""

import re
import subprocess
from pathlib import Path

from babel.messages.pofile import read_po

from tests.helpers import ROOT, python

HOLE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


def holes(text: str) -> set[str]:
    """Return the names of the things to fill in."""
    return {named or braced for named, braced in HOLE.findall(text)}


def test_no_text_is_missing_in_japanese(tmp_path: Path) -> None:
    pot = tmp_path / "messages.pot"
    extract = [
        "extract",
        "-F",
        "deploy/babel.cfg",
        "-k",
        "lazy_gettext",
        "-o",
        str(pot),
        "app",
        "templates",
    ]
    subprocess.run(python("-m", "babel.messages.frontend", *extract), cwd=ROOT, check=True, capture_output=True)
    with (
        pot.open("rb") as wanted_file,
        (ROOT / "translations/ja/LC_MESSAGES/messages.po").open("rb") as ja_file,
    ):
        wanted, japanese = read_po(wanted_file), read_po(ja_file, locale="ja")
    missing, unlike = [], []
    for message in wanted:
        if not message.id:
            continue
        found = japanese.get(message.id)
        if found is None or not found.string or found.fuzzy:
            missing.append(message.id)
        elif holes(str(message.id)) != holes(str(found.string)):
            unlike.append((message.id, found.string))
    assert missing == []
    assert unlike == []
    known = {m.id for m in wanted}
    assert [m.id for m in japanese if m.id and m.id not in known] == []  # nothing left over


def test_the_two_languages_of_the_catalog_are_both_there() -> None:
    text = (ROOT / "catalog.toml").read_text(encoding="utf-8")
    assert text.count("ja = ") == text.count("en = ")
