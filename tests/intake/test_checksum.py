"""A large file's checksum: of its parts as the browser declares it, of the whole as the analysis compares it."""

import hashlib

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.intake.checksum import Checksum
from app.intake.grants import PART_SIZE
from app.intake.inspection import look
from app.portal import Portal
from tests.intake.shopper import Shopper

LARGE = b"a,b\n" + b"1,2\n" * (PART_SIZE // 4)


def composite_of(body: bytes, part: int) -> str:
    """Return the SHA-256 of the parts' SHA-256s."""
    digests = (hashlib.sha256(body[start : start + part]).digest() for start in range(0, len(body), part))
    return hashlib.sha256(b"".join(digests)).hexdigest()


@given(pieces=st.lists(st.binary(max_size=40), max_size=12), part=st.integers(1, 50))
def test_both_checksums_whatever_the_pieces(pieces: list[bytes], part: int) -> None:
    checksum = Checksum(part)
    for piece in pieces:
        checksum.update(piece)
    body = b"".join(pieces)
    assert checksum.whole() == hashlib.sha256(body).hexdigest()
    assert checksum.composite() == composite_of(body, part)


@pytest.mark.parametrize("right", [True, False], ids=["the same file", "another file"])
def test_ac_u03_a_large_file_is_the_declared_one_by_its_parts(
    portal: Portal, client: FlaskClient, email: str, *, right: bool
) -> None:
    """The composite checksum that the browser declared is compared with what arrived before anything is paid."""
    shopper = Shopper(client, email)
    grant = shopper.upload(LARGE)
    for number in (1, 2):
        assert shopper.send_part(grant, LARGE, number)[0] == 200
    declared = composite_of(LARGE if right else LARGE.swapcase(), PART_SIZE)
    assert shopper.confirm(grant, sha256=declared).status_code == 200
    found = look(grant["order_id"])
    assert found.refused == (None if right else "damaged")
    assert found.sha256 == (hashlib.sha256(LARGE).hexdigest() if right else None)
