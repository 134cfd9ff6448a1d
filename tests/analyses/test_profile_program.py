"""The program end to end: real files, the contract's files and exit codes, hostile content."""

import csv
import io
from functools import partial
from pathlib import Path

import pytest

from analyses.csv_profile import texts
from analyses.csv_profile.__main__ import profile as profile_here
from analyses.kit import program
from tests.analyses.program import keeps_the_contract, profile, real

HEADER = "name,amount,at\n"
ROWS = "".join(f"item {n % 7},{n * 1.5},2024-{n % 12 + 1:02}-{n % 28 + 1:02}\n" for n in range(200))


def test_contract_of_a_full_profile_twice_the_same(tmp_path: Path) -> None:
    done = profile(tmp_path, (HEADER + ROWS).encode())
    keeps_the_contract(done, profile(tmp_path, (HEADER + ROWS).encode()))
    assert done.summary == {
        "Rows": "200",
        "Columns": "3",
        "Missing cells": "0%",
        "Period": "2024-01-01 – 2024-12-28",
        "Encoding": "UTF-8",
    }
    assert {name for name in done.files if name.startswith("tables/")} == {
        "tables/columns.csv",
        "tables/top-values.csv",
        "tables/over-time.csv",
    }
    assert list((done.output / "result" / "plots").glob("*.png"))
    rows = done.rows("columns.csv")
    assert rows[2][:6] == ["amount", "number", "0", "0", "200", "0"]
    assert rows[2][8] == "149.25"


def test_quick_look_has_the_column_table_only(tmp_path: Path) -> None:
    done = profile(tmp_path, (HEADER + ROWS).encode(), depth="quick", locale="ja")
    assert done.code == 0, done.stderr
    assert done.files == {"report.html", "tables/columns.csv"}
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
    keeps_the_contract(done, done)
    assert "'=cmd" in done.table("top-values.csv")
    assert "'=evil" in done.table("columns.csv")


def test_taxis(tmp_path: Path) -> None:
    done = profile(tmp_path, real("taxis.csv"), name="taxis.csv")
    assert done.code == 0, done.stderr
    assert done.summary["Rows"] == "6,433"
    assert done.summary["Columns"] == "14"
    kinds = {row[0]: row[1] for row in done.rows("columns.csv")}
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
    names = [row[0] for row in done.rows("columns.csv")][1:]
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
    told = {"INPUT": str(path), "OUTPUT": str(output), "LOCALE": "fr"}
    assert program.run(told, partial(profile_here, full=True), texts.REASONS) == 0
    report = (output / "result" / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in report
    assert "すべて同じ値です: 7" in report
    assert "この列には値がありません。" in report
