"""Run a sample program as the portal does: a process of its own, files in, files out."""

import csv
import io
import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Outcome:
    code: int
    output: Path
    stdout: str
    stderr: str

    @property
    def report(self) -> str:
        return (self.output / "result" / "report.html").read_text(encoding="utf-8")

    @property
    def summary(self) -> dict[str, str]:
        summary = json.loads((self.output / "preview" / "summary.json").read_text(encoding="utf-8"))
        return {fact["label"]["en"]: fact["value"] for fact in summary["facts"]}

    @property
    def reason(self) -> dict[str, str]:
        loaded: dict[str, str] = json.loads((self.output / "reason.json").read_text(encoding="utf-8"))
        return loaded

    @property
    def files(self) -> set[str]:
        result = self.output / "result"
        return {path.relative_to(result).as_posix() for path in result.rglob("*.*")}

    def table(self, name: str) -> str:
        return (self.output / "result" / "tables" / name).read_bytes().decode("utf-8")

    def rows(self, name: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.table(name).removeprefix("\ufeff"))))


def run(tmp_path: Path, source: bytes | Path, command: list[str], *, locale: str = "en", name: str = "data") -> Outcome:
    """Run `python -m <command>` on bytes, or a file; its files stay under `tmp_path`."""
    number = sum(1 for _ in tmp_path.glob("out*"))
    output, scratch = tmp_path / f"out{number}", tmp_path / "scratch"
    output.mkdir()
    scratch.mkdir(exist_ok=True)
    path = source if isinstance(source, Path) else tmp_path / f"in{number}"
    if isinstance(source, bytes):
        path.write_bytes(source)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "INPUT": str(path),
            "OUTPUT": str(output),
            "FILENAME": name,
            "LOCALE": locale,
            "ORDER_ID": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "TMPDIR": str(scratch),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not list(scratch.iterdir()), "scratch files are left behind"
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, output, done.stdout, done.stderr)


def profile(
    tmp_path: Path, source: bytes | Path, *, depth: str = "full", locale: str = "en", name: str = "data.csv"
) -> Outcome:
    return run(tmp_path, source, ["analyses.csv_profile", "--depth", depth], locale=locale, name=name)


def check(tmp_path: Path, source: bytes | Path, *, locale: str = "en", name: str = "photo.jpg") -> Outcome:
    return run(tmp_path, source, ["analyses.image_check"], locale=locale, name=name)


def keeps_the_contract(done: Outcome, again: Outcome) -> None:
    """Whatever the program: what the portal, and a careful customer, rely on; `again` ran on the same input."""
    assert done.code == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert all(re.fullmatch(r"progress \d{1,3} \w+", line) for line in lines)
    shares = [int(line.split()[1]) for line in lines]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert struct.unpack(">II", (done.output / "preview" / "plot.png").read_bytes()[16:24]) == (1200, 675)
    assert "<script" not in done.report
    assert not re.search(r"(src|href)=\"(?!data:image/(png|jpeg);base64,|#c\d)", done.report)
    for path in done.output.rglob("*.*"):
        assert path.read_bytes() == (again.output / path.relative_to(done.output)).read_bytes(), path
    for path in (done.output / "result" / "tables").iterdir():
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        for cell in (cell for row in done.rows(path.name) for cell in row):
            assert re.match(r"-?[\d.]+(e[-+]\d+)?$|[^=+\-@\t\r\n＝＋－＠]|$", cell), (path.name, cell)


def real(name: str) -> Path:
    """Return one of the shared data files, or skip where they are not laid out beside the repository."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return path
