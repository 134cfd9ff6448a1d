"""The photo check end to end: the contract's files and exit codes, privacy, hostile metadata, memory."""

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bench.csv_profile import MEASURE
from tests.analyses.pictures import discs, exif, saved
from tests.analyses.program import ROOT, check, keeps_the_contract


def test_contract_twice_the_same(tmp_path: Path) -> None:
    source = saved(discs(1600, 1132), exif=exif())
    done = check(tmp_path, source)
    keeps_the_contract(done, check(tmp_path, source))
    assert done.summary == {
        "Pixels": "1,600 × 1,132",
        "Megapixels": "1.8",
        "Format": "JPEG",
        "Largest fine print": "89 × 127 mm",
        "Points to look at before printing": "0",
    }
    assert done.files == {
        "report.html",
        "corrected.jpg",
        "plots/histogram.png",
        "tables/figures.csv",
        "tables/sizes.csv",
        "tables/colours.csv",
    }
    sizes = {row[0]: row[1:] for row in done.rows("sizes.csv")}
    assert sizes["L (89 × 127 mm)"] == ["89", "127", "320", "320", "1500 x 1051", "1750 x 1226", "fine", "not enough"]
    assert sizes["A4"] == ["210", "297", "137", "137", "3508 x 2480", "4093 x 2894", "coarse", "not enough"]
    figures = dict(done.rows("figures.csv"))
    assert figures["Camera"] == "Mihon X-1"
    assert figures["Shutter speed"] == "1/200 s"
    assert figures["Real detail"] == "as many as its pixels"


def test_in_japanese(tmp_path: Path) -> None:
    done = check(tmp_path, saved(discs(640, 480)), locale="ja", name="桜.jpg")
    assert done.code == 0, done.stderr
    assert '<html lang="ja">' in done.report
    assert "<h1>桜.jpg</h1>" in done.report
    assert "用紙サイズごとの仕上がり" in done.report


def test_place_and_names_are_told_of_but_leave_the_house_with_nothing(tmp_path: Path) -> None:
    source = saved(discs(640, 480).transpose(Image.Transpose.ROTATE_90), exif=exif(6, secrets=True), comment=b"Himitsu")
    done = check(tmp_path, source)
    assert done.code == 0, done.stderr
    assert "The place where it was taken (GPS) is stored in the file" in done.report
    assert "A name of the photographer or a serial number" in done.report
    for path in done.output.rglob("*.*"):
        for secret in (b"Himitsu", b"SN-12345678"):
            assert secret not in path.read_bytes(), path
    with Image.open(done.output / "result" / "corrected.jpg") as corrected:
        assert corrected.size == (640, 480)
        assert not corrected.getexif()
        assert set(corrected.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}


def test_hostile_metadata_is_only_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\x1b[31m\u202e" + "x" * 50_000
    done = check(
        tmp_path,
        saved(discs(320, 240), exif=exif(make=evil.encode("ascii", "ignore").decode())),
        name="<img src=x onerror=alert(3)>.jpg",
    )
    keeps_the_contract(done, done)
    assert "<img src=x" not in done.report
    assert "&lt;script&gt;alert(1)" in done.report
    assert len(done.report) < 400_000
    formula = check(tmp_path, saved(discs(320, 240), exif=exif(make="=cmd|' /C calc'!A0")))
    keeps_the_contract(formula, formula)
    assert "'=cmd" in formula.table("figures.csv")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"", "The file is empty"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC"),
        (saved(discs(320, 240))[:5000], "cut off or damaged"),
    ],
)
def test_no_photo_ends_with_a_reason_in_both_languages(tmp_path: Path, source: bytes, expected: str) -> None:
    done = check(tmp_path, source)
    assert done.code == 65, done.stderr
    assert expected in done.reason["en"]
    assert done.reason["ja"].endswith("アップロードしてください。")
    assert sorted(path.name for path in done.output.iterdir()) == ["reason.json"]


def test_memory_is_bounded_by_the_pixels(tmp_path: Path) -> None:
    """A picture of 40 megapixels takes at most its pixels twice (4 bytes each) and what the libraries take."""
    tile = discs(500, 400).convert("CMYK")
    whole = Image.new("CMYK", (8000, 5000))
    for left in range(0, 8000, 500):
        for top in range(0, 5000, 400):
            whole.paste(tile, (left, top))
    out = BytesIO()
    whole.save(out, "JPEG", quality=90, exif=exif(6))
    (tmp_path / "in.jpg").write_bytes(out.getvalue())
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, sys.executable, "-m", "analyses.image_check"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "TMPDIR": str(tmp_path),
            "LOCALE": "en",
            "INPUT": str(tmp_path / "in.jpg"),
            "OUTPUT": str(tmp_path / "out"),
        },
        stdout=subprocess.PIPE,
        check=True,
    )
    assert int(done.stdout) < 2 * 4 * whole.width * whole.height + 120 * 1024**2
