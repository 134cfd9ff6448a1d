"""Run the program as the portal does: a process of its own, files in, files out."""

import json
import os
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

    def table(self, name: str) -> str:
        return (self.output / "result" / "tables" / name).read_bytes().decode("utf-8")


def profile(
    tmp_path: Path, source: bytes | Path, *, depth: str = "full", locale: str = "en", name: str = "data.csv"
) -> Outcome:
    """Profile bytes, or a file, with the real program; its files stay under `tmp_path`."""
    number = sum(1 for _ in tmp_path.glob("out*"))
    output, scratch = tmp_path / f"out{number}", tmp_path / "scratch"
    output.mkdir()
    scratch.mkdir(exist_ok=True)
    path = source if isinstance(source, Path) else tmp_path / f"in{number}"
    if isinstance(source, bytes):
        path.write_bytes(source)
    done = subprocess.run(
        [sys.executable, "-m", "analyses.csv_profile", "--depth", depth],
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


def real(name: str) -> Path:
    """Return one of the shared data files, or skip where they are not laid out beside the repository."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return path
