"""Signed links and derived secrets: purposes apart (AC-L25), keys rotate (AC-L26)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from itsdangerous import URLSafeTimedSerializer

from app.kit.clock import system_clock
from app.kit.ids import digest, is_uuid, new_id, new_secret
from app.kit.signing import BadTokenError, Signer

OLD, NEW = "o" * 40, "n" * 40


def test_what_was_signed_is_read() -> None:
    signer = Signer([NEW])
    assert signer.read("pay-link", signer.sign("pay-link", "order-1"), 60) == "order-1"


def test_ac_l25_another_purpose_does_not_read_it() -> None:
    token = URLSafeTimedSerializer(NEW, salt="another").dumps("order-1")
    with pytest.raises(BadTokenError):
        Signer([NEW]).read("pay-link", str(token), 60)
    purpose: Any = "another"
    with pytest.raises(BadTokenError):
        Signer([NEW]).read(purpose, Signer([NEW]).sign("pay-link", "order-1"), 60)


@pytest.mark.parametrize("place", range(0, 40, 7))
def test_an_altered_token_is_refused(place: int) -> None:
    token = Signer([NEW]).sign("pay-link", new_id())
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(BadTokenError):
        Signer([NEW]).read("pay-link", token[:place] + other + token[place + 1 :], 60)


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "é", "\x00", "x" * 10_000])
def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        Signer([NEW]).read("pay-link", token, 60)


def test_age() -> None:
    now = system_clock()
    with time_machine.travel(now - timedelta(seconds=61), tick=False):
        old = Signer([NEW]).sign("pay-link", "x")
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        future = Signer([NEW]).sign("pay-link", "x")
    with time_machine.travel(now, tick=False):
        for token in (old, future):
            with pytest.raises(BadTokenError):
                Signer([NEW]).read("pay-link", token, 60)
        assert Signer([NEW]).read("pay-link", old, 61) == "x"


def test_ac_l26_old_keys_read_and_the_last_key_signs() -> None:
    before = Signer([OLD]).sign("pay-link", "x")
    assert Signer([OLD, NEW]).read("pay-link", before, 60) == "x"
    during = Signer([OLD, NEW]).sign("pay-link", "x")
    assert Signer([NEW]).read("pay-link", during, 60) == "x"
    with pytest.raises(BadTokenError):
        Signer([NEW]).read("pay-link", before, 60)


def test_derived_secrets_differ_by_key_purpose_and_value() -> None:
    signer = Signer([OLD, NEW])
    newest, oldest = signer.derive("login-token", "a")
    assert [newest] == Signer([NEW]).derive("login-token", "a")
    assert [oldest] == Signer([OLD]).derive("login-token", "a")
    others = {
        newest,
        oldest,
        signer.derive("login-code", "a")[0],
        signer.derive("login-token", "b")[0],
    }
    assert len(others) == 4
    assert {len(secret) for secret in others} == {32}


def test_ids_and_secrets() -> None:
    assert is_uuid(new_id())
    for text in ("", "x", new_id().upper(), new_id().replace("-", ""), f"{{{new_id()}}}", f"{new_id()}\n"):
        assert not is_uuid(text)
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) == 43
    assert digest("abc").startswith("ba7816bf8f01cfea")
