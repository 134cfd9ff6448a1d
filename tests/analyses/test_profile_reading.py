"""Reading tables: encodings, delimiters, headers, kinds; refusing what is none."""

import contextlib
import random
from pathlib import Path

import polars as pl
import pytest

from analyses.csv_profile import encoding, kinds, sniff, table, texts
from analyses.kit.program import CannotAnalyse
from analyses.kit.texts import in_every

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16": "UTF-16",
    "cp932": "Shift_JIS (CP932)",
    "euc_jp": "EUC-JP",
}
DELIMITERS = {",": ",", "\t": "\t", ";": ";", "|": "|"}
LINES = [["日付", "商品", "数量", "単価"]] + [
    [f"2024-01-{n % 28 + 1:02}", f"みかん{n % 5}号", str(n), f"{n * 0.25:.2f}"] for n in range(60)
]


def read(tmp_path: Path, source: bytes) -> tuple[encoding.Utf8, sniff.Layout, table.Table]:
    path = tmp_path / "in"
    path.write_bytes(source)
    text = encoding.to_utf8(path, tmp_path)
    layout = sniff.sniff(text.path, "Column")
    return text, layout, table.ingest(text.path, layout, tmp_path)


def kinds_of(data: table.Table) -> list[str]:
    return [column.kind.name for column in data.columns]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_delimiters(tmp_path: Path, name: str, delimiter: str, end: str) -> None:
    source = end.join(delimiter.join(row) for row in LINES).encode(name)
    text, layout, data = read(tmp_path, source)
    assert encoding.NAMES[text.encoding] == ENCODINGS[name]
    assert layout.delimiter == delimiter
    assert layout.names == LINES[0]
    assert kinds_of(data) == ["date", "text", "integer", "number"]
    assert data.rows == 60
    assert data.scan().select("c1").collect()["c1"][7] == "みかん2号"


def test_vendor_characters_and_late_japanese(tmp_path: Path) -> None:
    rows = "id,note\n" + "".join(f"{n},plain\n" for n in range(400_000)) + "9,①㈱髙島屋ｶﾞ\n"
    text, _, data = read(tmp_path, rows.encode("cp932"))
    assert text.encoding == "cp932"
    assert data.scan().select("c1").tail(1).collect().item() == "①㈱髙島屋ｶﾞ"


def test_preamble_header_rows_and_repeated_names(tmp_path: Path) -> None:
    source = (
        "ダウンロードした時刻：2024/01/01 10:00\n\n"
        ",東京,東京,東京,東京\n年月日,気温(℃),気温(℃),降水,降水\n,,品質,,\n"
        + "".join(f"2024/1/{n},{n}.5,8,{n},{n}\n" for n in range(1, 20))
    )
    _, layout, data = read(tmp_path, source.encode("cp932"))
    assert layout.preamble == 2
    assert layout.header_rows == 3
    assert layout.caption == "東京"
    assert layout.names == ["年月日", "気温(℃)", "気温(℃) 品質", "降水", "降水 (2)"]
    assert data.rows == 19
    assert kinds_of(data) == ["date", "number", "integer", "integer", "integer"]


@pytest.mark.parametrize(
    ("source", "names", "rows"),
    [
        ("1,2\n3,4\n5,6\n", ["Column 1", "Column 2"], 3),
        ("a,b,c\n1,2,3,\n4,5,6,\n7,8,9,\n", ["a", "b", "c", "Column 4"], 3),
        ("a,b\nx,1,2\ny,4,5\nz,4,5\n", ["Column 1", "a", "b"], 3),
        ("国,2019,2020,2021\n日本,1,2,3\n米国,4,5,6\n", ["国", "2019", "2020", "2021"], 2),
        ("a,a,a (2)\n1,2,3\n4,5,6\n", ["a", "a (2)", "a (2) (2)"], 2),
        ("value\n1\n2\n\n3\n", ["value"], 3),
        ('a,"b\nb"\n1,"x\ny"\n2,z\n', ["a", "b b"], 2),
        ('size,n\n5" pipe,1\n6" pipe,2\n7 pipe,3\n', ["size", "n"], 3),
        ("a,b\n1,2\n,\n3,4\n\n", ["a", "b"], 2),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ["a", "b"], 2),
    ],
)  # fmt: skip
def test_shapes(tmp_path: Path, source: str, names: list[str], rows: int) -> None:
    _, layout, data = read(tmp_path, source.encode())
    assert layout.names == names
    assert data.rows == rows


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        (["1", "-2", "30"], "integer", 1),
        (["1.5", "2", "-3e2"], "number", 1.5),
        (["1,234", "5,678.5", "12"], "number", 1234.0),
        (["¥1,500", "¥20", "¥3"], "number", 1500.0),
        (["△1,500", "20", "3"], "number", -1500.0),
        (["12%", "20 %", "3％"], "number", 12.0),
        (["1.234,5", "0,5", "7,25"], "number", 1234.5),
        (["0123", "0456", "0001"], "text", "0123"),
        (["12345678901234567890", "2", "3"], "text", "12345678901234567890"),
        (["0", "1", "1"], "boolean", False),
        (["はい", "いいえ", "はい"], "boolean", True),
        (["TRUE", "false", "True"], "boolean", True),
        (["2024-1-5", "2024-12-31", "2024-02-29"], "date", "2024-01-05"),
        (["20240105", "20241231", "20240229"], "date", "2024-01-05"),
        (["2024年1月5日", "2024年12月31日", "2024年2月3日"], "date", "2024-01-05"),
        (["2024/1", "2024/12", "2024/02"], "date", "2024-01-01"),
        (["31/12/2024", "01/02/2024", "03/04/2024"], "date", "2024-12-31"),
        (["2024/1/5 0:00", "2024/1/5 23:59", "2024/1/6 1:02"], "datetime", "2024-01-05 00:00:00"),
        (["2024-01-05T01:02:03Z", "2024-01-05T01:02:03+09:00"], "datetime", "2024-01-05 01:02:03"),
        (["9:30", "23:59", "12:00:01"], "time", "09:30:00"),
        (["a", "b", "1"], "text", "a"),
    ],
)
def test_kinds(values: list[str], kind: str, first: object) -> None:
    guessed = kinds.guess(values)
    assert guessed.name == kind
    column = pl.DataFrame({"c": values}).select(guessed.read(pl.col("c")).alias("c"))["c"]
    assert column.null_count() == 0
    assert column[0] == first or str(column[0]) == first


def test_kinds_are_settled_by_the_whole_file_not_its_head(tmp_path: Path) -> None:
    head = "whole,mixed,flag,bad\n" + "".join(f"{n},{n},{n % 2},{n}\n" for n in range(6000))
    tail = "".join(f"{n}.5,word{n},{n % 5},x\n" for n in range(50)) + "".join(f"1,w{n},1,2\n" for n in range(2000))
    _, _, data = read(tmp_path, (head + tail).encode())
    assert kinds_of(data) == ["number", "text", "integer", "integer"]
    assert [column.unreadable for column in data.columns] == [0, 0, 0, 50]


def test_untidy_values_below_the_head_are_trimmed_too(tmp_path: Path) -> None:
    source = "a,b\n" + "".join(f"{n},{n}.5\n" for n in range(6000)) + " 7 ,NA\n"
    _, _, data = read(tmp_path, source.encode())
    assert [(column.kind.name, column.missing) for column in data.columns] == [("integer", 0), ("number", 1)]
    assert data.scan().select(pl.col("c0").last()).collect().item() == 7


def test_numbers_below_the_head_that_are_none(tmp_path: Path) -> None:
    _, _, data = read(
        tmp_path, ("a,b\n" + "".join(f"{n},{n}.5\n" for n in range(6000)) + "1,inf\n2,NaN\n3,1e999\n").encode()
    )
    assert [(column.missing, column.unreadable) for column in data.columns] == [(0, 0), (1, 2)]
    assert data.scan().select(pl.col("c1").count()).collect().item() == 6000


def test_missing_values(tmp_path: Path) -> None:
    _, _, data = read(tmp_path, b'a,b\n1,x\nNA, \n-,\n"",y\n2,NULL\n')
    assert [(column.kind.name, column.missing) for column in data.columns] == [("integer", 1), ("text", 1)]
    assert data.blank_rows == 2


NOISE = random.Random(7)  # noqa: S311 - a fixed mess, not a secret

BAD: dict[str, tuple[bytes, str]] = {
    "blank": (b"\xef\xbb\xbf \r\n\r\n", "empty"),
    "workbook": (b"PK\x03\x04xl/workbook.xml", "excel"),
    "old workbook": (b"\xd0\xcf\x11\xe0" + bytes(64), "excel"),
    "zip": (b"PK\x03\x04" + bytes(64), "archive"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(64), "archive"),
    "pdf": (b"%PDF-1.7\n", "binary"),
    "controls": (b"\x01\x02\x03\x04,\x05\x06\n" * 50, "binary"),
    "noise": (NOISE.randbytes(5000).replace(b"\0", b"\x01"), "binary"),
    "nul": (b"a,b\n1,\x002\n", "nul"),
    "late nul": (b"a,b\n" + b"1,2\n" * 2_000_000 + b"\0,1\n", "nul"),
    "UTF-16 without mark": (("a,b\n1,2\n" * 9).encode("utf-16-le"), "nul"),
    "UTF-8 cut": (("品名,数\n" + "林檎,1\n" * 9 + "梨").encode()[:-1], "cut"),
    "UTF-16 cut": (("品名,数\n" * 9).encode("utf-16")[:-1], "cut"),
    "Shift_JIS cut": (("品名,数\n" + "林檎,1\n" * 9 + "梨").encode("cp932")[:-1], "cut"),
    "mixed encodings": ("品名,数\n".encode() * 9 + "日本語,数\n".encode("cp932"), "encoding"),
    "bytes of no character": ("品名,数\n".encode("cp932") * 9 + b"\xff\xff\n", "encoding"),
    "western": (("caf\xe9;1\n" * 9).encode("latin-1") + b"\xff\n", "encoding"),
    "html": (b"<!DOCTYPE html>\n<html><table><tr><td>1,2</td></tr></table>", "markup"),
    "json": (b'[\n {"a": 1, "b": 2},\n {"a": 1, "b": 2}\n]', "markup"),
    "json lines": (b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "markup"),
    "one line": (b"hello", "one_line"),
    "header only": (b"a,b,c\n", "header_only"),
    "header and blanks": (b"a,b,c\n,,\n\n", "header_only"),
    "japanese prose": ("吾輩は猫である。\n名前はまだ無い。\n".encode() * 20, "no_table"),
    "one column of noise": ("\n".join(f"{NOISE.random():.3f}x{n}" for n in range(50)).encode(), "no_table"),
    "sentences with one comma": (b"It was late, and all" + b" had gone to bed." * 9 + b"\n", "no_table"),
    "ragged": (b"1,2\n3,4\n5,6,7,8\n" * 30, "ragged"),
    "ragged below": (b"a,b\n" + b"1,2\n" * 300_000 + b"1,2,3,4,5\n" * 300_000, "ragged"),
    "12,000 columns": (b",".join([b"c"] * 12_000) + b"\n" + b"1," * 11_999 + b"1\n", "too_many_columns"),
    "columns beyond the sample": (b"column," * 300_000 + b"\n", "too_many_columns"),
    "huge field": (b'a,b\n1,"' + b"x" * 3_000_000 + b'"\n', "huge_field"),
    "huge line": (b"x" * 3_000_000, "huge_field"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_table_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    source, code = BAD[name]
    with pytest.raises(CannotAnalyse) as caught:
        read(tmp_path, source)
    assert caught.value.code == code
    reason = in_every(texts.REASONS, caught.value.code, **caught.value.params)
    assert set(reason) == {"ja", "en"}
    assert not any("{" in words for words in reason.values())


def test_any_bytes_end_in_a_table_or_a_reason(tmp_path: Path) -> None:
    alphabet = b', \n " 1 a \x82\xa0 \xa4\xa2 2024-01-01 ; \t \r'.split(b" ")
    tables = 0
    for _ in range(150):
        source = b"".join(NOISE.choices(alphabet, k=NOISE.randint(1, 120)))
        with contextlib.suppress(CannotAnalyse):
            tables += read(tmp_path, source)[2].rows > 0
    assert tables > 0
