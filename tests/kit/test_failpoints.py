"""Fail points: nothing by default, once when armed, never outside PORTAL_ENV=test."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kit.failpoints import FailPointError, arm, fail_point
from app.settings import BadSettingsError, load_settings
from app.startup import must_be_fit
from tests.test_settings import GOOD


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm(None)


def test_nothing_happens_where_nothing_is_armed() -> None:
    arm(None)
    fail_point("here")


def test_it_acts_once_at_the_wanted_passage() -> None:
    arm("here:raise:2")
    fail_point("here")
    fail_point("there")
    with pytest.raises(FailPointError):
        fail_point("here")
    fail_point("here")


def _pass(order: str) -> None:
    arm(order)
    fail_point("here")


def test_kill_means_kill() -> None:
    child = multiprocessing.get_context("fork").Process(target=_pass, args=("here:kill9",))
    child.start()
    child.join(10)
    assert child.exitcode == -signal.SIGKILL


def test_a_line_of_a_shared_file_acts_once_over_all_processes(tmp_path: Path) -> None:
    file = tmp_path / "orders"
    file.write_text("here:kill9\nthere:raise\nhere:kill9:3\n")
    children = [multiprocessing.get_context("fork").Process(target=_pass, args=(f"@{file}",)) for _ in range(6)]
    for child in children:
        child.start()
    for child in children:
        child.join(10)
    assert sorted(child.exitcode or 0 for child in children) == [-signal.SIGKILL] * 2 + [0] * 4
    assert file.read_text() == "there:raise\n"


def test_a_missing_file_is_an_empty_one(tmp_path: Path) -> None:
    arm(f"@{tmp_path / 'none'}")
    fail_point("here")


@pytest.mark.parametrize(("env", "order"), [("demo", "a:raise"), ("production", "a:kill9"), ("test", "a:explode")])
def test_refused_where_it_does_not_belong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, env: str, order: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.lower() in {"clock_file", "s3_endpoint_url", "stripe_api_base"}:
            monkeypatch.delenv(name)
    for name, value in {**GOOD, "PORTAL_ENV": env, "PUBLIC_URL": "https://portal.example.jp"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FAILPOINT", order)
    with pytest.raises(BadSettingsError, match="FAILPOINT"):
        must_be_fit(load_settings())
