"""The code without running it: bandit, and a search for secrets in all files of the repository."""

import hashlib
import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from scan.findings import ACCEPTED, Finding
from tests.helpers import ROOT

TOOLS = ROOT / "var" / "scan" / "bin"
LOOKED_AT = ("app", "sandbox", "analyses", "deploy", "wsgi.py")
HASHES_ONLY = r"^(requirements/.*\.txt|package-lock\.json)$"


def bandit(folder: Path) -> Iterator[Finding]:
    """Look for unsafe calls in what runs; a `nosec` in the code counts for nothing."""
    report = folder / "bandit.json"
    options = ["--quiet", "--ignore-nosec", "--exit-zero", "-f", "json", "-o", str(report), "-r", *LOOKED_AT]
    subprocess.run([str(TOOLS / "bandit"), *options], cwd=ROOT, check=True)
    found = json.loads(report.read_text(encoding="utf-8"))
    if found["errors"]:
        raise RuntimeError(str(found["errors"]))
    for one in found["results"]:
        detail = f"line {one['line_number']}: {one['issue_text']}"
        yield Finding("bandit", one["test_id"], one["filename"].removeprefix("./"), detail=detail)


def secrets() -> Iterator[Finding]:
    """Look for secrets in every file that git keeps; dummies are known by their exact value."""
    command = [str(TOOLS / "detect-secrets"), "scan", "--exclude-files", HASHES_ONLY]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    dummies = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["dummies"]
    known = {hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest() for value in dummies["values"]}
    for where, found in json.loads(done.stdout)["results"].items():
        for one in found:
            if one["hashed_secret"] not in known:
                yield Finding("detect-secrets", one["type"], where, detail=f"line {one['line_number']}")
