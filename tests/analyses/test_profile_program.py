"""The program end to end: real files, the contract's files and exit codes, hostile content."""

import csv
import io
import re
import struct
from pathlib import Path

import pytest

from analyses.csv_profile.__main__ import run
from tests.analyses.csv_program import profile, real

HEADER = "name,amount,at\n"
ROWS = "".join(f"item {n % 7},{n * 1.5},2024-{n % 12 + 1:02}-{n % 28 + 1:02}\n" for n in range(200))


def png_size(path: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def test_contract_of_a_full_profile_twice_the_same(tmp_path: Path) -> None:
    done = profile(tmp_path, (HEADER + ROWS).encode())
    assert done.code == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert all(re.fullmatch(r"progress \d{1,3} \w+", line) for line in lines)
    shares = [int(line.split()[1]) for line in lines]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert png_size(done.output / "preview" / "plot.png") == (1200, 675)
    assert done.summary == {
        "Rows": "200",
        "Columns": "3",
        "Missing cells": "0%",
        "Period": "2024-01-01 – 2024-12-28",
        "Encoding": "UTF-8",
    }
    assert {path.name for path in (done.output / "result" / "tables").iterdir()} == {
        "columns.csv",
        "top-values.csv",
        "over-time.csv",
    }
    assert list((done.output / "result" / "plots").glob("*.png"))
    assert "<script" not in done.report
    assert not re.search(r"(src|href)=\"(?!data:image/png|#c\d)", done.report)
    rows = list(csv.reader(io.StringIO(done.table("columns.csv").removeprefix("\ufeff"))))
    assert done.table("columns.csv").startswith("\ufeff")
    assert rows[2][:6] == ["amount", "number", "0", "0", "200", "0"]
    assert rows[2][8] == "149.25"
    again = profile(tmp_path, (HEADER + ROWS).encode())
    for path in done.output.rglob("*.*"):
        assert path.read_bytes() == (again.output / path.relative_to(done.output)).read_bytes(), path


def test_quick_look_has_the_column_table_only(tmp_path: Path) -> None:
    done = profile(tmp_path, (HEADER + ROWS).encode(), depth="quick", locale="ja")
    assert done.code == 0, done.stderr
    result = done.output / "result"
    assert {path.relative_to(result).as_posix() for path in result.rglob("*.*")} == {
        "report.html",
        "tables/columns.csv",
    }
    assert '<html lang="ja">' in done.report
    assert "列の一覧" in done.report
    assert (done.output / "preview" / "plot.png").exists()


def test_hostile_cells_are_only_text(tmp_path: Path) -> None:
    evil = [
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "＝1+1",
        "$\\frac$",
        "{{ 7*7 }}",
    ]
    rows = [
        ["<script>alert(2)</script>", "=evil", "$x^{$"],
        *([cell, "x" * 3, str(n)] for n, cell in enumerate(evil * 3)),
    ]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    done = profile(tmp_path, text.getvalue().encode(), name='<img src=x onerror=alert(3)>".csv')
    assert done.code == 0, done.stderr
    assert "<script" not in done.report
    assert "<img src=x" not in done.report
    assert "&lt;script&gt;alert(1)" in done.report
    assert "{{ 7*7 }}" in done.report
    for table in (done.output / "result" / "tables").iterdir():
        for row in csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"))):
            for cell in row:
                assert re.match(r"-?[\d.]+(e[-+]\d+)?$|[^=+\-@\t\r\n＝＋－＠]|$", cell), (table.name, cell)
    assert "'=cmd" in done.table("top-values.csv")
    assert "'=evil" in done.table("columns.csv")


def test_taxis(tmp_path: Path) -> None:
    done = profile(tmp_path, real("taxis.csv"), name="taxis.csv")
    assert done.code == 0, done.stderr
    assert done.summary["Rows"] == "6,433"
    assert done.summary["Columns"] == "14"
    kinds = {row[0]: row[1] for row in csv.reader(io.StringIO(done.table("columns.csv").removeprefix("\ufeff")))}
    assert kinds["pickup"] == "date and time"
    assert kinds["passengers"] == "integer"
    assert kinds["fare"] == "number"
    assert kinds["color"] == "category"
    assert "“fare” and “total” rise together closely" in done.report
    assert "fare,total,0.974" in done.table("correlations.csv")


def test_weather_as_the_agency_serves_it(tmp_path: Path) -> None:
    done = profile(tmp_path, real("tokyo-weather-2021-2022.sjis.csv"), locale="ja", depth="quick")
    assert done.code == 0, done.stderr
    assert done.summary == {
        "Rows": "365",
        "Columns": "96",
        "Missing cells": "3.1%",
        "Period": "2021-10-20 – 2022-10-19",
        "Encoding": "Shift_JIS (CP932)",
    }
    names = [row[0] for row in csv.reader(io.StringIO(done.table("columns.csv").removeprefix("\ufeff")))][1:]
    assert len(set(names)) == 96
    assert names[:4] == ["年月日", "日照時間(時間)", "日照時間(時間) 現象なし情報", "日照時間(時間) 品質情報"]
    assert "最高気温(℃) 時分" in names
    assert "全列に共通の見出し</dt><dd><span>東京" in done.report
    assert "読み飛ばした前書き</dt><dd><span>2行" in done.report


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty"),
    "UTF-16 cut in half": ("名前,量\n".encode("utf-16") + b"\x00", "middle of a character"),
    "12,000 columns": (
        ",".join(f"c{n}" for n in range(12_000)).encode() + b"\n" + b"1," * 11_999 + b"1\n",
        "12,000",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_no_table_ends_with_a_reason_in_both_languages(tmp_path: Path, name: str) -> None:
    source, expected = BAD[name]
    done = profile(tmp_path, source)
    assert done.code == 65, done.stderr
    assert expected in done.reason["en"]
    assert done.reason["ja"].endswith("アップロードしてください。")
    assert sorted(path.name for path in done.output.iterdir()) == ["reason.json"]


def test_odd_numbers_and_empty_columns_are_drawn_without_a_warning(tmp_path: Path) -> None:
    gap, bell = ("0.1", "NA"), {3: "\a"}
    rows = [
        f"1e{308 - n % 3},{10**17 + n % 4},7,,{n},{gap[n % 2]},{bell.get(n, '')}x{n},2024-01-01 00:0{n % 10}"
        for n in range(60)
    ]
    source = "huge,id,same,none,row,half,日本\u202e語,at\n" + "\n".join(rows)
    path, output = tmp_path / "in.csv", tmp_path / "out"
    path.write_text(source, encoding="utf-8")
    output.mkdir()
    assert run({"INPUT": str(path), "OUTPUT": str(output), "LOCALE": "fr"}, full=True) == 0
    report = (output / "result" / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in report
    assert "すべて同じ値です: 7" in report
    assert "この列には値がありません。" in report
