"""Tasks that don't come to their end, workers that don't, an ECS that does not answer, and a runner that lies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import ComputeDownError
from app.gateways.compute import Finished
from app.gateways.compute.fargate import Fargate
from app.gateways.storage import Storage
from app.settings import Settings
from tests.fargate.agent import NO_ROOM, Agent, RefusedError
from tests.fargate.looks import SAMPLE, gone, names, started
from tests.helpers import free_port, python, wait_for

DOWN = RefusedError("ServerException", "try later")


def only(agent: Agent) -> str:
    [arn] = agent.tasks
    return arn


@pytest.mark.parametrize("stop_code", ["SpotInterruption", "TerminationNotice", "InfrastructureHealth"])
def test_a_machine_that_is_taken_away(engine: Fargate, agent: Agent, work: Any, tmp_path: Path, stop_code: str) -> None:
    """The program dies with its task, and the run is one that may be repeated."""
    pids = tmp_path / "pids"
    with started(engine, agent, work("progress", str(pids))) as ends:
        wait_for(lambda: pids.exists() and pids.read_text(), 40, "the program")
        agent.end(only(agent), stop_code, "Your Spot Task was interrupted.")
    [finished] = ends
    assert isinstance(finished, Finished)
    assert (finished.ended, finished.exit_code) == ("interrupted", 143)
    assert finished.log_tail == f"{stop_code}: Your Spot Task was interrupted."
    wait_for(lambda: gone(int(pids.read_text().split()[0])), 40, "the program to be gone")


def test_a_container_that_needs_too_much_memory(engine: Fargate, agent: Agent, work: Any, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with started(engine, agent, work("progress", str(pids))) as ends:
        wait_for(lambda: pids.exists() and pids.read_text(), 40, "the program")
        reason = "OutOfMemoryError: Container killed due to memory usage"
        agent.kill(only(agent), "EssentialContainerExited", reason)
    [finished] = ends
    assert isinstance(finished, Finished)
    assert (finished.ended, finished.exit_code) == ("out_of_memory", 137)


def test_a_task_that_can_not_start(engine: Fargate, agent: Agent, work: Any) -> None:
    agent.fates = ["fails_to_start"]
    finished = engine.run(work("show"))
    assert (finished.ended, finished.exit_code) == ("interrupted", None)
    assert finished.log_tail == "TaskFailedToStart: CannotPullContainerError: image not found"


def test_no_room_on_spot_and_none_at_all(engine: Fargate, agent: Agent, work: Any) -> None:
    """Spot first, twice; then a place that is not interrupted, and where there is none, later."""
    agent.fates = ["no_room", "no_room", "no_room"]
    assert engine.run(work("show", attempt=1)).log_tail == f"no room on Fargate Spot: {NO_ROOM}"
    assert engine.run(work("show", attempt=2)).ended == "interrupted"
    with pytest.raises(ComputeDownError, match="Capacity is unavailable"):
        engine.run(work("show", attempt=3))
    assert engine.run(work("show", attempt=4)).ended == "exited"
    providers = [body["capacityProviderStrategy"][0]["capacityProvider"] for body in agent.called("RunTask")]
    assert providers == ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE", "FARGATE"]


def test_no_room_told_as_an_error(engine: Fargate, agent: Agent, work: Any) -> None:
    agent.refusals = [RefusedError("ClientException", NO_ROOM)]
    assert engine.run(work("show")).ended == "interrupted"


def test_a_task_that_never_starts_is_stopped(
    engine: Fargate, agent: Agent, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.gateways.compute.watch.START_LIMIT_S", 0)
    agent.fates = ["waits"]
    assert engine.run(work("show")).ended == "interrupted"
    assert agent.tasks[only(agent)].told["stopCode"] == "UserInitiated"


def test_a_task_far_over_its_time_is_stopped(
    engine: Fargate, agent: Agent, work: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The runner keeps the time limit; where it does not, the engine does."""
    monkeypatch.setattr("app.gateways.compute.watch.MOVE_LIMIT_S", -59)
    assert engine.run(work("progress", str(tmp_path / "pids"), time_limit=60)).ended == "timed_out"
    assert agent.tasks[only(agent)].told["stoppedReason"] == "timed_out"


def test_a_repeated_run_finds_its_task(engine: Fargate, agent: Agent, work: Any) -> None:
    """Whether or not the dead worker could still write down the task's name, and whatever the limits are now."""
    agent.fates = ["waits"]
    first = work(command=python(SAMPLE, "good"))

    class DiedError(Exception):
        pass

    def die(_task: str) -> None:
        raise DiedError

    with pytest.raises(DiedError):
        engine.run(replace(first, on_task=die))
    again = replace(first, time_limit=90)
    with started(engine, agent, again) as ends:
        agent.start_waiting()
    assert [one.ended for one in ends if isinstance(one, Finished)] == ["exited"]
    assert len(agent.tasks) == 1
    told: list[str] = []
    other = work(command=python(SAMPLE, "good"), begun=only(agent), on_task=told.append)
    assert engine.run(other).ended == "interrupted"  # that task left nothing below the other run's name
    assert len(agent.called("RunTask")) == 2
    assert told == []


def test_a_task_that_ended_while_nobody_waited(engine: Fargate, agent: Agent, work: Any) -> None:
    """ECS has forgotten the task; what it left is taken."""
    one = work(command=python(SAMPLE, "good"))
    engine.run(one)
    begun = only(agent)
    agent.tasks.clear()
    agent.tokens.clear()
    later = replace(one, begun=begun, output=one.output.with_name("later"))
    later.output.mkdir()
    calls = len(agent.calls)
    assert engine.run(later).ended == "exited"
    assert names(later) == names(one)
    assert len(agent.calls) == calls


def test_a_task_that_nobody_knows(engine: Fargate, agent: Agent, work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS may know a new task a while later; one that it never knows is gone."""
    monkeypatch.setattr("app.gateways.compute.watch.UNKNOWN_WAIT_S", 0.3)
    finished = engine.run(work("show", begun="arn:aws:ecs:ap-northeast-1:123456789012:task/kaiseki/0"))
    assert finished.ended == "interrupted"
    assert "does not know" in finished.log_tail
    assert len(agent.called("DescribeTasks")) > 2


def test_an_event_wakes_the_engine(engine: Fargate, agent: Agent, work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the next look would be an hour away; with it there are few."""
    monkeypatch.setattr("app.gateways.compute.watch.POLL_S", 3600.0)
    ended: list[dict[str, Any]] = []
    agent.on_stop = ended.append
    assert engine.run(work("show", task_ended=lambda: bool(ended))).ended == "exited"
    assert ended[0]["detail"]["lastStatus"] == "STOPPED"
    assert len(agent.called("DescribeTasks")) <= 3


def test_ecs_that_does_not_answer(
    engine: Fargate, agent: Agent, work: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A named error with the reason at the start; while a task runs, patience."""
    agent.refusals = [DOWN] * 4
    with pytest.raises(ComputeDownError, match="try later"):
        engine.run(work("show"))
    agent.refusals = [RefusedError("AccessDeniedException", "not authorized to perform: ecs:RunTask")]
    with pytest.raises(ComputeDownError, match="not authorized"):
        engine.run(work("show"))
    assert not agent.tasks
    agent.fates = ["waits"]
    with started(engine, agent, work(command=python(SAMPLE, "good"))) as ends:
        agent.refusals = [DOWN] * 9
        wait_for(lambda: not agent.refusals, 60, "the refusals to be met")
        agent.start_waiting()
    assert [one.ended for one in ends if isinstance(one, Finished)] == ["exited"]
    monkeypatch.setattr("app.gateways.compute.watch.DOWN_WAIT_S", 0)
    agent.fates = ["waits"]
    with started(engine, agent, work("show")) as ends:
        agent.refusals = [DOWN] * 4
    assert isinstance(ends[0], ComputeDownError)
    agent.refusals = []


def test_ecs_that_is_not_there(settings_alone: Settings, storage: Storage, work: Any) -> None:
    away = settings_alone.model_copy(update={"ecs_endpoint_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(ComputeDownError, match="Could not connect"):
        Fargate(away, storage).run(work("show"))


END = {
    "ended": "exited",
    "exit_code": 0,
    "log_tail": "",
    "input_sha256": None,
    "peak_memory": 1,
    "files": {},
    "odd": [],
}


@pytest.mark.parametrize(
    "lie",
    [
        {"files": {"../../escape": 1}},
        {"files": {"/etc/escape": 1}},
        {"files": {"result/a": 2}},
        {"files": {"result/missing": 1}},
        {"odd": ["../../escape"]},
        {"odd": ["a\0b"]},
        {"odd": [str(number) for number in range(10_001)]},
        {"ended": "well"},
        {"exit_code": "0"},
        {"input_sha256": "x"},
        {"files": [1]},
        {"log_tail": "x" * 9_000_000},
    ],
)
def test_a_runner_that_lies(engine: Fargate, agent: Agent, storage: Storage, work: Any, lie: dict[str, Any]) -> None:
    """Whatever a container stores, nothing is written outside of the output, and the run counts as cut off."""
    one = work("show", begun="arn:of-a-task")
    for name in ("../../escape", "/etc/escape", "result/a"):
        storage.put(f"runs/{one.run_id}/output/{name}", b"x", "application/octet-stream")
    storage.put(f"runs/{one.run_id}/end.json", json.dumps({**END, **lie}).encode(), "application/json")
    finished = engine.run(one)
    assert finished.ended == "interrupted"
    assert "the runner's end.json" in finished.log_tail
    assert list(one.output.rglob("*")) == []
    assert not (one.output.parents[1] / "escape").exists()


def test_portal_check_looks_at_the_cluster(engine: Fargate, agent: Agent) -> None:
    assert engine.check()[0] == ("ok", "Fargate: the cluster is there")
    assert engine.check()[1][0] == "warn"
    agent.providers = ["FARGATE"]
    assert engine.check()[0] == ("fail", "Fargate: the cluster kaiseki lacks FARGATE_SPOT")
    agent.refusals = [RefusedError("AccessDeniedException", "not authorized to perform: ecs:DescribeClusters")]
    level, text = engine.check()[0]
    assert (level, "not authorized" in text) == ("fail", True)
