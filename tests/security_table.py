"""Writes docs/security.md: each acceptance check of the security bar, how it stands, and the tests that prove it.

A test proves the rows that its name begins with: `test_ac_u10_u12_...` proves AC-U10 and AC-U12. What a row asks, and
why no test proves it or not all of it, is data in docs/security-rows.toml. `make security-table` runs this.
"""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROWS = ROOT / "docs" / "security-rows.toml"
PAGE = ROOT / "docs" / "security.md"
NAME = re.compile(r"test_ac((?:_[a-z]\d\d)+)_(\w+)")
HEAD = """# Security: what is asked, and what proves it

Written by `make security-table` from docs/security-rows.toml and the tests; a test fails when this page is out of date.
Level: OWASP ASVS 5.0, all of L1 and L2, with one written exception (customers log in by mail: docs/decisions).
*proved*: the tests named pass with every `make test`. *in part*: they pass, and something is left. *not yet*: no test.
Besides, `make scan` tries the running portal with wapiti and sqlmap, logged out, as a customer and as staff, and reads
the code with bandit and for secrets; what they may find is explained in scan/accepted.toml, anything else fails.
"""


@dataclass(frozen=True)
class Proof:
    """A test that proves rows."""

    rows: tuple[str, ...]
    path: str
    name: str
    says: str


def read_rows() -> dict[str, Any]:
    """Return the data: families, asks, lacking."""
    return tomllib.loads(ROWS.read_text(encoding="utf-8"))


def proofs() -> Iterator[Proof]:
    """Collect the tests that are named after rows."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            found = NAME.fullmatch(node.name) if isinstance(node, ast.FunctionDef) else None
            if found and isinstance(node, ast.FunctionDef):
                says = (ast.get_docstring(node) or found[2].replace("_", " ").capitalize()).splitlines()[0]
                rows = tuple(found[1].strip("_").upper().split("_"))
                yield Proof(rows, path.relative_to(ROOT).as_posix(), node.name, says)


def standing(reason: str | None, proven: list[Proof]) -> str:
    """Say in a few words how a row stands."""
    if reason is None:
        return "proved" if proven else "not yet: no test"
    return f"{'in part' if proven else 'not yet'}: {reason}"


def page() -> str:
    """Return the whole page."""
    data = read_rows()
    by_row: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs():
        for row in proof.rows:
            by_row[row].append(proof)
    stands = {row: standing(data["lacking"].get(row), by_row[row]) for row in data["asks"]}
    words = [text.partition(":")[0] for text in stands.values()]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("proved", "in part", "not yet"))
    lines = [HEAD, f"{len(stands)} rows: {counts}."]
    for family, title in data["families"].items():
        lines += ["", f"## {title}", "", "| | asks | stands | proved by |", "|---|---|---|---|"]
        for row, asks in data["asks"].items():
            if row.startswith(family):
                told = "<br>".join(f"{_cell(p.says)} [{p.name}](../{p.path})" for p in by_row[row])
                lines.append(f"| AC-{row} | {_cell(asks)} | {_cell(stands[row])} | {told} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
