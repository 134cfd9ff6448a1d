"""An ECS of the tests: its JSON protocol on loopback, its containers real processes of this machine.

RunTask with client tokens, DescribeTasks and StopTask as app/gateways/compute/ecs.py uses them, with the checks of
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html that its requests could fail. A container is
deploy/fargate/runner.py with the command and environment of the request, and an object store in the place of S3.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.helpers import ROOT

RUNNER = ROOT / "deploy/fargate/runner.py"
ACCOUNT = "123456789012"
CLUSTER = "kaiseki"
REGION = "ap-northeast-1"
TASK = "kaiseki-analyses"
MEMORY = {"256": (512, 2048), "512": (1024, 4096), "1024": (2048, 8192), "2048": (4096, 16384), "4096": (8192, 30720)}
NO_ROOM = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
OVERRIDE_BYTES = 8192
FATES = ("run", "no_room", "fails_to_start", "waits")


class RefusedError(Exception):
    """What the agent answers with an error: its type at AWS, and more fields."""

    def __init__(self, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.body = {"__type": kind, "message": message, **more}


@dataclass
class Container:
    """A task with its process."""

    told: dict[str, Any]  # as DescribeTasks tells it
    process: subprocess.Popen[bytes] | None = None
    stop_code: str = ""
    reason: str = ""


@dataclass
class Agent:
    """One cluster. `fates` says what becomes of the next tasks, `run` where nothing is said.

    `environment` is that of the task definition. `calls` has every request's name and body. `on_stop` is called with
    what EventBridge would send when a task has stopped.
    """

    folder: Path
    environment: dict[str, str]
    fates: list[str] = field(default_factory=list)
    refusals: list[RefusedError] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    tasks: dict[str, Container] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    on_stop: Callable[[dict[str, Any]], object] = lambda _event: None
    providers: list[str] = field(default_factory=lambda: ["FARGATE", "FARGATE_SPOT"])
    url: str = ""

    def called(self, name: str) -> list[dict[str, Any]]:
        """Return the bodies of all requests of a name."""
        return [body for action, body in self.calls if action == name]

    def running(self) -> list[str]:
        """Return the tasks whose container runs."""
        return [arn for arn, container in self.tasks.items() if container.told["lastStatus"] == "RUNNING"]

    def answer(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request; raises RefusedError."""
        self.calls.append((action, body))
        if self.refusals:
            raise self.refusals.pop(0)
        if action == "DescribeClusters":
            found = [] if body["clusters"] != [CLUSTER] else [{"status": "ACTIVE", "capacityProviders": self.providers}]
            return {"clusters": found, "failures": []}
        if body.get("cluster") != CLUSTER:
            raise RefusedError("ClusterNotFoundException", "Cluster not found.")
        known = {"RunTask": self._run, "DescribeTasks": self._describe, "StopTask": self._stop}
        return known[action](body)

    def _run(self, body: dict[str, Any]) -> dict[str, Any]:
        _check(body)
        token = body["clientToken"]
        if token in self.tokens:
            first, arn = self.tokens[token]
            if first != body:
                text = "The provided clientToken is already in use with a different RunTask request"
                raise RefusedError("ConflictException", text, resourceIds=[arn])
            return {"tasks": [self.tasks[arn].told], "failures": []}
        fate = self.fates.pop(0) if self.fates else "run"
        if fate == "no_room":
            return {"tasks": [], "failures": [{"reason": NO_ROOM}]}
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{CLUSTER}/{uuid4().hex}"
        told = {
            "taskArn": arn,
            "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}",
            "lastStatus": "PROVISIONING",
            "desiredStatus": "RUNNING",
            "createdAt": time.time(),
            "containers": [{"name": "analysis", "lastStatus": "PENDING"}],
            "overrides": body["overrides"],
        }
        self.tokens[token] = body, arn
        self.tasks[arn] = Container(told)
        if fate == "fails_to_start":
            reason = "CannotPullContainerError: image not found"
            self._stopped(arn, stop_code="TaskFailedToStart", reason=reason, exit_code=None)
        elif fate == "run":
            self._start(arn)
        return {"tasks": [told], "failures": []}

    def start_waiting(self) -> None:
        """Start the tasks that waited for a machine."""
        for arn, container in self.tasks.items():
            if container.told["lastStatus"] == "PROVISIONING":
                self._start(arn)

    def _start(self, arn: str) -> None:
        container = self.tasks[arn]
        [override] = container.told["overrides"]["containerOverrides"]
        given = {one["name"]: one["value"] for one in override["environment"]}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with (self.folder / "log").open("ab") as log:
            container.process = subprocess.Popen(
                [sys.executable, str(RUNNER), *override["command"]],
                cwd=ROOT,
                env={"PATH": path, "TMPDIR": str(self.folder), **self.environment, **given},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        container.told |= {"lastStatus": "RUNNING", "startedAt": time.time()}
        threading.Thread(target=self._wait, args=(arn,), daemon=True).start()

    def _wait(self, arn: str) -> None:
        container = self.tasks[arn]
        assert container.process is not None
        code = container.process.wait()
        self._stopped(
            arn,
            stop_code=container.stop_code or "EssentialContainerExited",
            reason=container.reason or "Essential container in task exited",
            exit_code=code if code >= 0 else 128 - code,
        )

    def _stopped(self, arn: str, *, stop_code: str, reason: str, exit_code: int | None) -> None:
        told = self.tasks[arn].told
        more = {"exitCode": exit_code} if exit_code is not None else {}
        told["containers"] = [{"name": "analysis", "lastStatus": "STOPPED", **more}]
        told |= {"lastStatus": "STOPPED", "stopCode": stop_code, "stoppedReason": reason, "stoppedAt": time.time()}
        self.on_stop(
            {
                "version": "0",
                "id": str(uuid4()),
                "detail-type": "ECS Task State Change",
                "source": "aws.ecs",
                "account": ACCOUNT,
                "region": REGION,
                "resources": [arn],
                "detail": told,
            }
        )

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        known = [arn for arn in body["tasks"] if arn in self.tasks]
        failures = [{"arn": arn, "reason": "MISSING"} for arn in body["tasks"] if arn not in self.tasks]
        return {"tasks": [self.tasks[arn].told for arn in known], "failures": failures}

    def _stop(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["task"] not in self.tasks:
            raise RefusedError("InvalidParameterException", "The referenced task was not found.")
        self.end(body["task"], "UserInitiated", body["reason"])
        return {"task": self.tasks[body["task"]].told}

    def kill(self, arn: str, stop_code: str, reason: str) -> None:
        """Kill all of a container's processes, as when its memory is too small."""
        process = self.tasks[arn].process
        family = _descendants(process.pid) if process else []
        self.end(arn, stop_code, reason, signal.SIGKILL)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self, arn: str, stop_code: str, reason: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop a task from outside: `SpotInterruption`, `UserInitiated`."""
        container = self.tasks[arn]
        container.stop_code, container.reason = stop_code, reason
        if container.process is None:
            if container.told["lastStatus"] != "STOPPED":
                self._stopped(arn, stop_code=stop_code, reason=reason, exit_code=None)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(container.process.pid, number)

    def close(self) -> None:
        """Leave nothing running."""
        for container in self.tasks.values():
            if container.process is not None:
                container.process.terminate()  # the runner ends its program
                container.process.wait(20)


def _descendants(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [pid for child in text.split() for pid in (int(child), *_descendants(int(child)))]


def _check(body: dict[str, Any]) -> None:
    """Raise RefusedError where AWS would not take a RunTask request."""
    overrides = body["overrides"]
    [container] = overrides["containerOverrides"]
    [provider] = body["capacityProviderStrategy"]
    least, most = MEMORY.get(overrides["cpu"], (0, 0))
    disk = overrides.get("ephemeralStorage", {"sizeInGiB": 21})["sizeInGiB"]
    for wrong, says in (
        (body["taskDefinition"] != TASK, "TaskDefinition not found."),
        (
            provider["capacityProvider"] not in {"FARGATE", "FARGATE_SPOT"},
            "The capacity provider was not found",
        ),
        (not least <= int(overrides["memory"]) <= most, "No Fargate configuration exists for given values"),
        (int(overrides["memory"]) % 1024 and overrides["memory"] != "512", "No Fargate configuration exists"),
        (not 21 <= disk <= 200, "Ephemeral storage must be between 21 and 200 GiB"),
        (container["name"] != "analysis", "Override for container named other is not a container in the task"),
        (len(json.dumps(overrides)) > OVERRIDE_BYTES, "Container Overrides length must be at most 8192"),
        (not body["networkConfiguration"]["awsvpcConfiguration"]["subnets"], "subnets can not be empty."),
        (len(body["clientToken"]) > 64, "clientToken is longer than 64 characters"),
    ):
        if wrong:
            raise RefusedError("InvalidParameterException", says)


@contextlib.contextmanager
def serving(agent: Agent) -> Iterator[Agent]:
    """Let an agent answer on an address of its own until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = 200
            try:
                answer = agent.answer(self.headers["X-Amz-Target"].rpartition(".")[2], body)
            except RefusedError as error:
                answer = error.body
                status = 500 if answer["__type"] == "ServerException" else 400
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    agent.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield agent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        agent.close()
