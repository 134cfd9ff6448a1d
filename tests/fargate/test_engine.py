"""The engine `fargate` alone: its containers are real processes, its object store a real one."""

import os
import stat
import tempfile
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.gateways.compute import Finished
from app.gateways.compute.fargate import Fargate
from app.gateways.storage import Storage
from tests.fargate.agent import Agent
from tests.fargate.looks import CSV, SAMPLE, gone, names, started, stored
from tests.helpers import python, wait_for

SHOW = """
set -e; mkdir $OUTPUT/result; cd $OUTPUT/result; cat /proc/$$/environ > names && id -u > user
touch parent && cat /proc/$PPID/environ > parent || true
"""


def test_the_sample_program_in_its_container(agent: Agent, engine: Fargate, storage: Storage, work: Any) -> None:
    """Input down, program, output up and down again; nothing is left in the store."""
    told: list[str] = []
    sample = work(command=["python", "-m", "analyses.csv_profile"], on_task=told.append, memory_limit=4 * 1024**3)
    finished = engine.run(sample)
    assert (finished.ended, finished.exit_code) == ("exited", 0), finished.log_tail
    assert finished.input_sha256 == sha256(CSV).hexdigest()
    assert finished.peak_memory is not None
    assert finished.peak_memory > 10 * 1024**2
    assert "preview/summary.json" in names(sample)
    assert any(name.startswith("result/") for name in names(sample))
    assert told == list(agent.tasks)
    assert "end.json" in stored(storage, sample)
    engine.clear(sample.run_id)
    assert stored(storage, sample) == []


def test_what_ecs_is_asked_for(agent: Agent, engine: Fargate, work: Any) -> None:
    """A token for the run, Spot at first, sizes from the product's limits, the contract's names and no secret."""
    good = work(command=python(SAMPLE, "good"), memory_limit=4 * 1024**3, disk_limit=16 * 1024**3)
    engine.run(good)
    [asked] = agent.called("RunTask")
    assert (asked["clientToken"], asked["startedBy"]) == (good.run_id, good.run_id)
    assert asked["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert asked["networkConfiguration"]["awsvpcConfiguration"] == {
        "subnets": ["subnet-a", "subnet-b"],
        "securityGroups": ["sg-1"],
        "assignPublicIp": "DISABLED",
    }
    overrides = asked["overrides"]
    assert (overrides["cpu"], overrides["memory"], overrides["ephemeralStorage"]) == ("1024", "5120", {"sizeInGiB": 21})
    [container] = overrides["containerOverrides"]
    assert container["command"] == good.command
    given = {one["name"]: one["value"] for one in container["environment"]}
    limits = {"RUN_TIME_LIMIT", "RUN_MEMORY_LIMIT", "RUN_DISK_LIMIT"}
    place = {"RUN_ID", "RUN_BUCKET", "RUN_REGION", "RUN_SOURCE"}
    assert given.keys() == {"FILENAME", "LOCALE", "ORDER_ID", *place, *limits}
    assert (given["FILENAME"], given["RUN_SOURCE"]) == ("売上.csv", f"orders/{good.order_id}.kaiseki")


@pytest.mark.parametrize(
    ("mood", "ended", "exit_code"),
    [("good", "exited", 0), ("refuse", "exited", 65), ("crash", "exited", 1), ("hungry", "exited", 1)],
)
def test_exit_codes(engine: Fargate, agent: Agent, work: Any, mood: str, ended: str, exit_code: int) -> None:
    finished = engine.run(one := work(command=python(SAMPLE, mood)))
    assert (finished.ended, finished.exit_code) == (ended, exit_code), finished.log_tail
    wrote = {"good": ["preview/plot.png", "preview/summary.json"], "refuse": ["reason.json"]}
    assert names(one)[:2] == wrote.get(mood, [])
    says = {"good": "progress 40", "refuse": "looked at 3 bytes", "crash": "own fault", "hungry": "MemoryError"}
    assert says[mood] in finished.log_tail
    [task] = agent.tasks.values()
    assert task.told["containers"][0]["exitCode"] == exit_code


def test_the_program_sees_nothing_of_the_task(engine: Fargate, agent: Agent, work: Any) -> None:
    """Names of the contract alone; as the user of the image it can't look into the runner's environment."""
    root = os.geteuid() == 0
    if root:
        agent.environment["RUN_USER"] = "nobody"
        for parent in (agent.folder, *agent.folder.parents):
            if parent == Path(tempfile.gettempdir()):
                break
            parent.chmod(0o755)
    finished = engine.run(one := work(command=["sh", "-c", SHOW]))
    assert finished.exit_code == 0, finished.log_tail
    seen = {line.partition("=")[0] for line in (one.output / "result/names").read_text().split("\0") if line}
    assert seen == {"FILENAME", "LOCALE", "ORDER_ID", "INPUT", "OUTPUT", "TMPDIR", "HOME", "LANG", "PATH"}
    if root:
        assert (one.output / "result/user").read_text() != "0\n"
        assert (one.output / "result/parent").read_text() == ""
        assert "Permission denied" in finished.log_tail


def test_out_of_time(engine: Fargate, work: Any, tmp_path: Path) -> None:
    finished = engine.run(work("progress", str(tmp_path / "pids"), time_limit=2))
    assert (finished.ended, finished.exit_code) == ("timed_out", -9)
    for pid in (tmp_path / "pids").read_text().split():
        wait_for(lambda pid=pid: gone(int(pid)), 40, "the program and its child to be gone")  # type: ignore[misc]


def test_what_a_program_leaves_running_dies_with_it(engine: Fargate, work: Any, tmp_path: Path) -> None:
    assert engine.run(work("leave", str(tmp_path / "pid"))).exit_code == 0
    wait_for(lambda: gone(int((tmp_path / "pid").read_text())), 40, "the program's child to be gone")


def test_killed_from_elsewhere_is_out_of_memory(engine: Fargate, work: Any) -> None:
    assert engine.run(work("gone")).ended == "out_of_memory"


def test_the_log_is_bounded(engine: Fargate, work: Any) -> None:
    tail = engine.run(work("talk")).log_tail
    assert tail.count("\n") < 200
    assert len(tail) <= 20_000
    assert "\0" not in tail
    assert tail.endswith("\nlast")


def test_progress_and_its_end(engine: Fargate, agent: Agent, work: Any, tmp_path: Path) -> None:
    """The progress arrives; asked to stop, the task is stopped, and program and child are gone."""
    told: list[int] = []
    stop = threading.Event()

    def progress(percent: int) -> None:
        told.append(percent)
        stop.set()

    one = work("progress", str(tmp_path / "pids"), on_progress=progress, should_stop=stop.is_set)
    finished = engine.run(one)
    assert finished == Finished("cancelled")
    assert told == [40]
    [task] = agent.tasks.values()
    assert (task.told["stopCode"], task.told["stoppedReason"]) == ("UserInitiated", "cancelled")
    for pid in (tmp_path / "pids").read_text().split():
        wait_for(lambda pid=pid: gone(int(pid)), 40, "the program and its child to be gone")  # type: ignore[misc]


@pytest.mark.parametrize(("mood", "limit"), [("much", 1_000_000), ("many", 1024**3), ("fill", 1_000_000)])
def test_too_much_output(engine: Fargate, storage: Storage, work: Any, mood: str, limit: int) -> None:
    finished = engine.run(one := work(mood, disk_limit=limit))
    assert finished.ended == "out_of_disk"
    assert names(one) == []
    assert [name for name in stored(storage, one) if name.startswith("output/")] == []


def test_what_is_no_plain_file_stays_what_it_is(engine: Fargate, work: Any) -> None:
    """Nothing behind a link is fetched, and whoever judges the output sees that something was there."""
    finished = engine.run(one := work("odd"))
    assert finished.exit_code == 0
    kinds = {name: stat.S_ISREG((one.output / name).lstat().st_mode) for name in names(one)}
    odd = {"preview": False, "result/a\nb": False, "result/passwd": False, "result/\\udcff\\udcfe": False}
    assert kinds == {**odd, "result/売上 報告.csv": True}


def test_an_input_that_is_gone_starts_no_task(engine: Fargate, agent: Agent, storage: Storage, work: Any) -> None:
    one = work("show")
    storage.delete(one.source)
    assert engine.run(one).ended == "input_gone"
    assert agent.calls == []


def test_an_input_that_goes_later(engine: Fargate, storage: Storage, agent: Agent, work: Any) -> None:
    agent.fates = ["waits"]
    one = work("show")
    with started(engine, agent, one) as ends:
        storage.delete(one.source)
        agent.start_waiting()
    assert ends == [Finished("input_gone")]
