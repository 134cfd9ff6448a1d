"""What scanners find, and what of it is accepted: each with a reason, in accepted.toml beside this file."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that a scanner says. `where`: a file, or a path of the portal; `who`: the person scanned as."""

    tool: str
    what: str
    where: str
    who: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Accepted:
    """What need not be mended, and why. `what`, `where` and `says` (the detail) are patterns as of a shell."""

    tool: str
    what: str
    where: str
    why: str
    says: str = "*"

    def covers(self, finding: Finding) -> bool:
        """Tell whether this explains a finding."""
        pairs = ((finding.what, self.what), (finding.where, self.where), (finding.detail, self.says))
        return self.tool == finding.tool and all(fnmatchcase(text, pattern) for text, pattern in pairs)


def accepted() -> list[Accepted]:
    """Read the explanations."""
    return [Accepted(**one) for one in tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["accepted"]]


def show(findings: Iterable[Finding]) -> int:
    """Print one table of what was found; return how many findings nobody has explained."""
    known, open_ones = accepted(), 0
    for finding, times in sorted(Counter(findings).items()):
        why = next((one.why for one in known if one.covers(finding)), None)
        open_ones += why is None
        place = f"{finding.who + ' ' if finding.who else ''}{finding.where}"
        print(f"{finding.tool:14} {finding.what:34} {place}{f' x{times}' if times > 1 else ''}")
        print(f"{'':14} {'accepted: ' + why if why else 'FINDING ' + finding.detail}")
    print(f"{open_ones} findings without an explanation", flush=True)
    return open_ones
