"""Run the scanners and print one table; exit 1 for what nobody has explained.

`static` needs nothing running; `wapiti` and `sqlmap` start the portal for themselves and look as each kind of person.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scan.findings import Finding, show
from scan.house import house
from scan.sqlmap import sqlmap
from scan.static import bandit, secrets
from scan.wapiti import wapiti

PARTS = ("static", "wapiti", "sqlmap")
PEOPLE = ("stranger", "customer", "staff")


def scan(parts: list[str], people: list[str], folder: Path) -> Iterator[Finding]:
    """Yield what all scanners find."""
    if "static" in parts:
        yield from bandit(folder)
        yield from secrets()
    looks = [look for look in (wapiti, sqlmap) if look.__name__ in parts]
    for look in looks:
        for who in people:
            (folder / f"{look.__name__}-{who}").mkdir()
            with house(folder / f"{look.__name__}-{who}") as here:
                yield from look(here, who, folder)
                yield from _broken(here.log, who)


def _broken(log: Path, who: str) -> Iterator[Finding]:
    """Tell of each error that the portal wrote while it was looked at."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if "error.unexpected" in line or "error.last_resort" in line:
            yield Finding("portal", "error of ours", "log", who, line[-600:])


def main() -> None:
    """Scan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="run these only")
    parser.add_argument("--who", action="append", choices=PEOPLE, help="look as these only")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-scan-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # PostgreSQL does not run as root
        left = show(scan(asked.part or list(PARTS), asked.who or list(PEOPLE), Path(name)))
    print(f"{time.monotonic() - begun:.0f} s")
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
