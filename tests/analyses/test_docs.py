"""The program and the catalog entry in docs/analysis-program.md are what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.analysis.output import read_preview, read_reason, read_result
from app.catalog import load_catalog
from tests.helpers import ROOT

DOC = (ROOT / "docs" / "analysis-program.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOC, re.DOTALL)
    assert found
    return found[1]


def run(tmp_path: Path, source: bytes) -> tuple[subprocess.CompletedProcess[str], Path]:
    program, output = tmp_path / "program.py", tmp_path / "output"
    program.write_text(block("python"), encoding="utf-8")
    (tmp_path / "in").write_bytes(source)
    output.mkdir()
    given = {"INPUT": str(tmp_path / "in"), "OUTPUT": str(output), "LOCALE": "ja", "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, program], env=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done, output


def test_the_whole_program_keeps_the_contract(tmp_path: Path) -> None:
    done, output = run(tmp_path, "一行目\nsecond line\n".encode())
    assert done.returncode == 0
    assert done.stdout == "progress 10 reading\nprogress 60 drawing\n"
    summary, image = read_preview(output)
    assert summary["facts"] == [{"label": {"ja": "行数", "en": "Lines"}, "value": "2"}]
    assert image.name == "plot.png"
    assert read_result(output)["lengths.txt"].read_text(encoding="utf-8") == "3\n11"


def test_the_whole_program_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    done, output = run(tmp_path, b"\xff\xff")
    assert done.returncode == 65
    assert read_reason(output)["en"] == "Please save it as text in UTF-8."


@pytest.mark.parametrize("task", ["", 'task = "lines:1"\n'])
def test_the_catalog_entry_can_be_sold(tmp_path: Path, task: str) -> None:
    entry = block("toml") + task
    path = tmp_path / "catalog.toml"
    whole = (ROOT / "catalog.toml").read_text(encoding="utf-8")
    path.write_text(whole.replace("[[methods]]", f"{entry}\n[[methods]]", 1), encoding="utf-8")
    product = load_catalog(path).product("line-lengths")
    assert product is not None
    assert product.at_once == 2
