"""Files that customers send: the real ones where they are at hand, else small ones of our own making."""

import csv
import io
from pathlib import Path

from tests.helpers import SHARED_DATA


def taxis(folder: Path) -> Path:
    """Return a CSV of taxi rides in UTF-8."""
    real = SHARED_DATA / "taxis.csv"
    if real.exists():
        return real
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["pickup", "passengers", "distance", "fare", "payment"])
    for number in range(400):
        rows.writerow(
            [
                f"2019-03-{number % 28 + 1:02d} 20:{number % 60:02d}:00",
                number % 4 + 1,
                f"{number % 17 * 0.3:.2f}",
                f"{3 + number % 17 * 1.5:.1f}",
                ("credit card", "cash", "")[number % 3],
            ]
        )
    return _write(folder, "taxis.csv", text.getvalue().encode())


def weather(folder: Path) -> Path:
    """Return a CSV as Japan's weather agency serves it: Shift_JIS, lines before the header, repeated names."""
    real = SHARED_DATA / "tokyo-weather-2021-2022.sjis.csv"
    if real.exists():
        return real
    lines = [
        "ダウンロードした時刻：2022/10/01 10:00:00",
        "",
        ",東京,東京,東京,東京",
        "年月日,平均気温(℃),平均気温(℃),降水量の合計(mm),降水量の合計(mm)",
        ",,品質情報,,品質情報",
    ]
    lines += [f"2021/{n // 28 % 12 + 1}/{n % 28 + 1},{10 + n % 20}.5,8,{n % 7}.0,8" for n in range(300)]
    return _write(folder, "weather.sjis.csv", "\r\n".join(lines).encode("cp932"))


def no_table(folder: Path) -> Path:
    """Return a file that calls itself CSV and is no text; nothing in its first bytes says what it is."""
    return _write(folder, "写真.csv", bytes(range(256)) * 40)


def _write(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path
