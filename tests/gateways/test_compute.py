"""The local engine with programs that behave: what they are given, what is kept of what they say."""

import sys
from pathlib import Path

import pytest

from app.gateways.compute import LOG_BYTES, LOG_LINES, engine_for
from app.gateways.compute.isolation import Isolation
from app.gateways.compute.local import Local
from app.kit.ids import new_id
from app.portal import Portal
from tests.gateways.boxed import MEMORY, run, running, usable
from tests.helpers import wait_for

BEST = usable()[0]


def test_exit_code_progress_and_log() -> None:
    code = (
        "import sys\n"
        "for said in ('progress 5 reading', 'progress 250 odd', 'progress x', 'progress ٣'): print(said, flush=True)\n"
        "print('for staff', file=sys.stderr); sys.exit(65)"
    )
    told = run(code, BEST)
    assert (told.finished.ended, told.finished.exit_code) == ("exited", 65)
    assert told.progress == [5, 100]
    assert "for staff" in told.finished.log_tail.splitlines()


def test_the_program_sees_nothing_but_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "do-not-show")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_do_not_show")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-show")
    told = run("import os; print('\\n'.join(sorted(os.environ)))", BEST)
    names = set(told.finished.log_tail.split()) - {"LC_CTYPE"}  # Python's own, for the C.UTF-8 locale
    assert names == {"PATH", "LANG", "HOME", "INPUT", "OUTPUT", "TMPDIR", "FILENAME"}


@pytest.mark.parametrize("way", usable(), ids=repr)
def test_it_reads_its_input_and_writes_output_and_tmpdir(way: Isolation) -> None:
    code = (
        "import os, pathlib, tempfile\n"
        "text = pathlib.Path(os.environ['INPUT']).read_text()\n"
        "with tempfile.TemporaryFile() as file: file.write(b'x')\n"
        "pathlib.Path(os.environ['OUTPUT'], 'copy').write_text(text)"
    )
    told = run(code, way)
    assert (told.finished.exit_code, told.files) == (0, {"copy": 9}), told


@pytest.mark.parametrize("way", usable(), ids=repr)
def test_the_samples_can_be_run_in_every_way(way: Isolation) -> None:
    """The portal's folder and its Python are readable for the program's user, wherever they lie."""
    told = run("import flask, app.kit.money; print(app.kit.money.__file__)", way)
    assert told.finished.exit_code == 0, told


def test_the_most_memory_is_recorded() -> None:
    small, large = (run(f"x = b'1' * {size}", BEST).finished.peak_memory or 0 for size in (1, 200 * 1024**2))
    assert small < 60 * 1024**2
    assert 200 * 1024**2 < large < 260 * 1024**2


def test_a_program_is_cancelled() -> None:
    marker = new_id()
    asked = iter([False, True, True, True])
    told = run(f"import signal; signal.pause()  # {marker}", BEST, should_stop=lambda: next(asked))
    assert told.finished.ended == "cancelled"
    assert running(marker) == []


def test_the_log_is_bounded() -> None:
    code = (
        "import sys; sys.stdout.write('x' * 10_000_000 + '\\n'); sys.stdout.flush()\n"
        "sys.stderr.write('y' * 5_000_000 + '\\nlast')"
    )
    finished = run(code, BEST).finished
    assert finished.exit_code == 0
    assert len(finished.log_tail) <= LOG_BYTES
    assert finished.log_tail.count("\n") < LOG_LINES
    assert finished.log_tail.endswith("last")


def test_a_line_without_end_ends_with_the_time() -> None:
    finished = run("import os\nwhile True: os.write(1, b'x' * 65536)", BEST, time_limit=1).finished
    assert finished.ended == "timed_out"
    assert 0 < len(finished.log_tail) <= LOG_BYTES


def test_output_that_is_not_text_does_no_harm() -> None:
    told = run("import sys; sys.stdout.buffer.write(bytes(range(256)) + b'\\nprogress 7 x\\n')", BEST)
    assert (told.finished.exit_code, told.progress) == (0, [7])


def test_an_error_in_the_listener_ends_the_program() -> None:
    class BrokenError(Exception):
        pass

    def broken(_percent: int) -> None:
        raise BrokenError

    marker = new_id()
    with pytest.raises(BrokenError):
        run(f"import signal; print('progress 1 x', flush=True); signal.pause()  # {marker}", BEST, on_progress=broken)
    wait_for(lambda: running(marker) == [], 40, "the program to be gone")


def test_a_command_that_is_not_there_fails_like_a_program() -> None:
    finished = run("", BEST, command=["no-such-program"]).finished
    assert finished.ended == "exited"
    assert finished.exit_code not in {0, 65}
    assert "no-such-program" in finished.log_tail


def test_the_virtual_environment_of_the_worker_is_used() -> None:
    finished = run("", BEST, command=["python", "-c", "import sys; print(sys.executable)"]).finished
    assert Path(finished.log_tail.strip()).parent == Path(sys.executable).parent


def test_out_of_memory_fails_the_program_only() -> None:
    finished = run("x = bytearray(2 * 1024**3)", BEST, memory_limit=MEMORY).finished
    assert (finished.ended, finished.exit_code) == ("exited", 1)
    assert "MemoryError" in finished.log_tail


def test_the_engine_says_how_it_shuts_programs_in(portal: Portal) -> None:
    engine = engine_for(portal.settings, portal.storage)
    assert isinstance(engine, Local)
    assert engine.isolation == BEST
    [(level, text)] = engine.check()
    assert (level, "without network" in text) == (("ok", True) if BEST.prefix else ("warn", False))
    engine.__dict__["isolation"] = Isolation()
    [(level, text)] = engine.check()
    assert level == "warn"
    assert ".env" in text
