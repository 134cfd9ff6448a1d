"""`make audit`: are there known holes in what the portal is made of (AC-H16).

Runs pip-audit on the pinned requirements. pip-audit alone is green when it could ask nobody (finding 10): here every
package must have been looked up, or the answer is "could not look", with the date, and exit 2.

Exit: 0 nothing known, 1 something found, 2 could not look.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILES = ("requirements/base.txt", "requirements/dev.txt")


def told(file: str) -> tuple[dict[str, Any] | None, str]:
    """Return what pip-audit says of a requirements file (None: it could not look), and its own words."""
    options = ["--strict", "--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", *options, "--requirement", file],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    try:
        return json.loads(done.stdout), done.stderr
    except ValueError:
        return None, done.stderr


def verdict(report: dict[str, Any] | None, words: str) -> tuple[int, list[str]]:
    """Return the exit code and what to print for one report."""
    if report is None:
        last = words.strip().splitlines()[-1:] or ["no answer"]
        return 2, [f"could not look: {last[0][:200]}"]
    packages = report["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    lines = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or '-'}"
        for package in packages
        for hole in package.get("vulns", [])
    ]
    if lines:
        return 1, lines
    if skipped or not packages:
        return 2, [f"could not look up {len(skipped)} of {len(packages)} packages: {', '.join(skipped[:5])}"]
    return 0, [f"{len(packages)} packages, nothing known"]


def main() -> int:
    """Look at every file, print, return the worst exit code (something found before could not look)."""
    today = datetime.now(UTC).date().isoformat()
    codes = []
    for file in FILES:
        code, lines = verdict(*told(file))
        codes.append(code)
        for line in lines:
            sys.stdout.write(f"{today} {Path(file).name}: {line}\n")
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
