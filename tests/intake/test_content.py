"""What a file holds is looked at before it is analysed or paid: in places and in pieces, never as a whole (AC-U05)."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from app.intake.content.look import Passing, check_head
from app.intake.content.refusals import FORMATS, REASONS, RefusedError, reason
from tests.helpers import ROOT, python
from tests.intake.traps import MIB, REFUSED, TAKEN

MOST = 1024 * MIB  # bytes that an archive may unpack to


@dataclass
class Bytes:
    """A file at hand, that counts what is read of it in places."""

    body: bytes
    read: int = 0

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.body)

    def span(self, start: int, length: int) -> bytes:
        """Read in a place."""
        self.read += length
        return self.body[start : start + length]

    def pieces(self) -> Iterator[bytes]:
        """Read from the beginning."""
        return (self.body[at : at + 65_536] for at in range(0, self.size, 65_536))


def _look(name: str, body: bytes) -> Bytes:
    source = Bytes(body)
    check_head(source, name, MOST)
    passing = Passing(source.pieces(), name, MOST)
    assert passing.finish() == hashlib.sha256(body).hexdigest()
    assert passing.size == len(body)
    return source


@pytest.mark.parametrize("trap", REFUSED)
def test_ac_u05_traps_are_refused_with_a_sentence(app: Flask, trap: str) -> None:
    """Bombs, links, paths, broken archives, binaries under a table's name: each has its own words, in both."""
    name, make, code = REFUSED[trap]
    with pytest.raises(RefusedError) as refused:
        _look(name, make())
    assert refused.value.code == code
    with app.app_context():
        said = reason(refused.value.code, refused.value.facts)
    assert set(said) == {"ja", "en"}
    assert all("%" not in sentence for sentence in said.values())


@pytest.mark.parametrize("kind", TAKEN)
def test_ac_u05_what_people_really_send_is_taken(kind: str) -> None:
    """Every encoding of Japanese spreadsheets, honest archives, and tables that begin like something else."""
    name, body = TAKEN[kind]
    assert _look(name, body).read <= 6 * MIB  # in places; the rest streams by


def test_every_refusal_has_words(app: Flask) -> None:
    facts: dict[str, str | int] = {"extension": ".csv", "found": "pdf", "size": 5 * MIB, "most": 1000, "name": "a"}
    with app.app_context():
        for code in REASONS:
            assert all(reason(code, facts).values())
        for found in FORMATS:
            assert reason("other_kind", {"extension": ".csv", "found": found})["en"]


WATCHED = """
import json, resource, sys
from tests.intake.test_content import look_anyhow
from tests.intake.traps import REFUSED
name, make, _ = REFUSED[sys.argv[1]]
body = make()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
said = look_anyhow(name, body)
print(json.dumps([said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""


def look_anyhow(name: str, body: bytes) -> str:
    """Look, and return the code of the refusal."""
    try:
        _look(name, body)
    except RefusedError as error:
        return error.code
    return ""


@pytest.mark.parametrize("trap", ["many members", "overlapping", "gzip bomb", "claims"])
def test_ac_u05_a_trap_costs_no_memory(trap: str) -> None:
    """The worker grows by some MiB at most, whatever the trap would unpack to."""
    names = {"overlapping": "members over one another", "claims": "too large when unpacked"}
    done = subprocess.run(
        python("-c", WATCHED, names.get(trap, trap)), cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    code, grown_kib = json.loads(done.stdout)
    assert code == REFUSED[names.get(trap, trap)][2]
    assert grown_kib < 64 * 1024
