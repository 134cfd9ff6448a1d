"""Virus scanners: a real clamd, its protocol when things go wrong, and GuardDuty's tags (AC-U06)."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.catalog import Uploads
from app.gateways.scanner import TAG, Clamd, GuardDuty, NotScannedYetError, ScannerDownError, make_scanner
from app.kit.ids import new_id
from app.portal import Portal
from tests.gateways.clamd import EICAR, MOST, clamd
from tests.helpers import free_port
from tests.workers import silent_server


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one scanner for all of these tests."""
    with clamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running


def _pieces(body: bytes, size: int = 7) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def test_ac_u06_clamd_finds_eicar_and_nothing_else(address: str) -> None:
    """The three answers, of a real daemon: infected, clean, too large to say."""
    scanner = Clamd(address, MOST)
    assert scanner.scan("k", len(EICAR), _pieces(EICAR)) == "infected"
    assert scanner.scan("k", 8, _pieces(b"a,b\n1,2\n")) == "clean"
    assert scanner.scan("k", 0, iter(())) == "clean"
    large = bytes(MOST // 2)
    assert scanner.scan("k", 2 * len(large), iter([large, large])) == "clean"


def test_ac_u06_what_is_too_large_is_never_called_clean(address: str) -> None:
    """Beyond the limit nothing is asked; and where clamd's own limit is lower, its word for that is understood."""

    def untouched() -> Iterator[bytes]:
        pytest.fail("was read")
        yield b""

    assert Clamd(address, MOST).scan("k", MOST + 1, untouched()) == "unscanned"
    body = bytes(MOST)
    assert Clamd(address, 10 * MOST).scan("k", 3 * MOST, iter([body] * 3)) == "unscanned"


def test_clamd_at_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "clamd.ctl"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threading.Thread(target=_answer, args=(server, b"stream: OK\0"), daemon=True).start()
        assert Clamd(str(path), MOST).scan("k", 3, iter([b"abc"])) == "clean"


def _answer(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        heard = b""
        while not heard.endswith(b"\0\0\0\0"):
            heard += connection.recv(4096)
        connection.sendall(answer)


@contextmanager
def _peer(answer: bytes) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", "infected"),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", "unscanned"),  # AlertExceedsMax yes
        (b"INSTREAM size limit exceeded. ERROR\0", "unscanned"),
    ],
)
def test_ac_u06_answers_of_clamd(answer: bytes, verdict: str) -> None:
    """What stands in clamd's answer decides; a limit that was reached is no finding."""
    with _peer(answer) as address:
        assert Clamd(address, MOST).scan("k", 1, iter([b"x"])) == verdict


@pytest.mark.parametrize("answer", [b"", b"stream: Can't allocate memory ERROR\0", b"nonsense\0"])
def test_an_answer_that_says_nothing_is_an_error_with_a_name(answer: bytes) -> None:
    with _peer(answer) as address, pytest.raises(ScannerDownError):
        Clamd(address, MOST).scan("k", 1, iter([b"x"]))


def test_no_scanner_there_is_an_error_with_a_name(tmp_path: Path) -> None:
    for address in (f"127.0.0.1:{free_port()}", str(tmp_path / "none.ctl")):
        with pytest.raises(ScannerDownError):
            Clamd(address, MOST).scan("k", 1, iter([b"x"]))


def test_a_silent_scanner_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.scanner.ANSWER_TIMEOUT_S", 0.2)
    with silent_server() as (address, _), pytest.raises(ScannerDownError):
        Clamd(address, MOST).scan("k", 1, iter([b"x"]))


@pytest.mark.parametrize(
    ("tag", "verdict"),
    [
        ("NO_THREATS_FOUND", "clean"),
        ("THREATS_FOUND", "infected"),
        ("UNSUPPORTED", "unscanned"),
        ("ACCESS_DENIED", "unscanned"),
        ("FAILED", "unscanned"),
        ("SOMETHING_NEW", "unscanned"),
    ],
)
def test_ac_u06_guardduty_says_it_by_a_tag(portal: Portal, tag: str, verdict: str) -> None:
    """Without its tag it has said nothing yet; of its words one alone means clean."""
    key = f"orders/{new_id()}.kaiseki"
    portal.storage.put(key, b"a,b\n", "text/plain")
    scanner = GuardDuty(portal.storage)
    with pytest.raises(NotScannedYetError):
        scanner.scan(key, 4, iter(()))
    set_tag(portal, key, tag)
    assert scanner.scan(key, 4, iter(())) == verdict


def set_tag(portal: Portal, key: str, said: str) -> None:
    """Say of an object what GuardDuty found."""
    portal.storage._s3.put_object_tagging(  # noqa: SLF001  (nobody in the portal writes tags)
        Bucket=portal.storage.bucket, Key=key, Tagging={"TagSet": [{"Key": TAG, "Value": said}]}
    )


def test_the_catalog_names_the_scanner(portal: Portal) -> None:
    makers: Iterable[tuple[str, Callable[[object], bool]]] = (
        ("none", lambda made: made.__class__.__name__ == "Nobody"),
        ("guardduty-tag", lambda made: isinstance(made, GuardDuty)),
    )
    for name, is_so in makers:
        assert is_so(make_scanner(Uploads.model_validate({"scan": name}), portal.storage))
    told = Uploads.model_validate({"scan": "clamd", "clamd": "127.0.0.1:3310", "clamd_max_bytes": 5})
    assert make_scanner(told, portal.storage) == Clamd("127.0.0.1:3310", 5)
    with pytest.raises(ValueError, match="needs clamd"):
        Uploads.model_validate({"scan": "clamd"})
