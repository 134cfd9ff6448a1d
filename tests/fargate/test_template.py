"""deploy/fargate.yaml and the Dockerfile: no more rights than are needed, and the names that the code knows."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.events import TASK_CHANGED
from app.gateways.compute.ecs import CONTAINER
from tests.helpers import ROOT

TEMPLATE = ROOT / "deploy/fargate.yaml"
DOCKERFILE = ROOT / "deploy/fargate/Dockerfile"


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found = yaml.safe_load(TEMPLATE.read_text())["Resources"]
    return {name: part["Properties"] for name, part in found.items()}


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return list(policy["PolicyDocument"]["Statement"])


def test_the_template_is_clean(tmp_path: Path) -> None:
    """cfn-lint has nothing to say, and sees what is wrong."""
    lint = str(Path(sys.executable).parent / "cfn-lint")
    done = subprocess.run([lint, TEMPLATE], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")
    spoilt = tmp_path / "fargate.yaml"
    spoilt.write_text(TEMPLATE.read_text().replace("NetworkMode", "Network"))
    assert subprocess.run([lint, spoilt], capture_output=True, check=False, timeout=120).returncode


def test_a_container_reads_inputs_and_writes_runs_and_no_more(resources: dict[str, Any]) -> None:
    (policy,) = resources["TaskRole"]["Policies"]
    allowed = {
        part["Action"]: part["Resource"]["Fn::Sub"].partition("${BucketName}/")[2] for part in statements(policy)
    }
    assert allowed == {"s3:GetObject": "orders/*.kaiseki", "s3:PutObject": "runs/*"}
    calls = set(re.findall(r"self\._s3\.(\w+)\(", (ROOT / "deploy/fargate/runner.py").read_text()))
    assert calls == {"download_file", "put_object", "upload_fileobj"}


def test_the_workers_may_do_what_they_do_and_no_more(resources: dict[str, Any]) -> None:
    """Each call in the code has its permission, each permission its call; roles are passed to tasks alone."""
    actions: set[str] = set()
    for part in statements(resources["PortalMayRunTasks"]):
        assert part["Resource"] != "*"
        actions |= {part["Action"]} if isinstance(part["Action"], str) else set(part["Action"])
    calls = set(re.findall(r"self\._ecs\.([a-z]\w+)\(", (ROOT / "app/gateways/compute/ecs.py").read_text()))
    assert actions == {f"ecs:{call.title().replace('_', '')}" for call in calls} | {"iam:PassRole"}


def test_nobody_gets_in(resources: dict[str, Any]) -> None:
    group = resources["SecurityGroup"]
    assert "SecurityGroupIngress" not in group
    assert [(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [
        ("tcp", 443, 443)
    ]


def test_names_that_the_code_knows(resources: dict[str, Any]) -> None:
    (container,) = resources["TaskDefinition"]["ContainerDefinitions"]
    assert container["Name"] == CONTAINER
    assert container["ReadonlyRootFilesystem"]
    assert resources["Stopped"]["EventPattern"]["detail-type"] == [TASK_CHANGED]
    assert set(resources["Cluster"]["CapacityProviders"]) == {"FARGATE", "FARGATE_SPOT"}
    image = DOCKERFILE.read_text()
    for copied in re.findall(r"^COPY (\S+) ", image, re.MULTILINE):
        assert (ROOT / copied).exists(), copied
    assert 'ENTRYPOINT ["python", "/opt/kaiseki/runner.py"]' in image
    user = re.search(r"RUN_USER=(\w+)", image)
    assert user is not None
    assert re.search(rf"useradd .* {user[1]}$", image, re.MULTILINE)
