"""`python -m sandbox`: all three start, the object store keeps what it was given, one end ends all."""

from __future__ import annotations

import base64
import hashlib
import socket
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.helpers import ROOT, answers, free_port, process, python, wait_for
from tests.sandbox.conftest import running


def _client(port: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="ap-northeast-1",
        config=Config(s3={"addressing_style": "path"}),
    )


def test_objects_survive_a_restart(tmp_path: Path) -> None:
    names = ("STRIPE", "MAILBOX", "SMTP", "S3")
    ports = {f"SANDBOX_{name}_PORT": str(free_port()) for name in names}
    s3 = ports["SANDBOX_S3_PORT"]
    health = f"http://127.0.0.1:{s3}/_ministack/health"
    with running("sandbox", tmp_path, health, **ports):
        for name in ("STRIPE", "MAILBOX"):
            address = f"http://127.0.0.1:{ports[f'SANDBOX_{name}_PORT']}/healthz"
            wait_for(lambda address=address: answers(address))  # type: ignore[misc]
        client = _client(s3)
        client.create_bucket(Bucket="portal", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
        client.put_bucket_versioning(Bucket="portal", VersioningConfiguration={"Status": "Enabled"})
        for body in (b"one", b"two"):
            kept = client.put_object(
                Bucket="portal",
                Key="orders/見本.kaiseki",
                Body=body,
                ContentType="text/csv",
                Metadata={"sha": "1"},
                ChecksumAlgorithm="SHA256",
            )
    with running("sandbox objectstore", tmp_path, health, **ports):
        client = _client(s3)
        found = client.get_object(Bucket="portal", Key="orders/見本.kaiseki", ChecksumMode="ENABLED")
        assert found["Body"].read() == b"two"
        assert (found["ContentType"], found["Metadata"]) == ("text/csv", {"sha": "1"})
        assert found["VersionId"] == kept["VersionId"]
        assert found["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"two").digest()).decode()
        assert client.get_bucket_versioning(Bucket="portal")["Status"] == "Enabled"


def test_an_unknown_stand_in_is_named() -> None:
    ended = subprocess.run(
        python("-m", "sandbox", "paypal"), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert "Unknown stand-in: paypal" in ended.stderr


@pytest.mark.parametrize("taken", ["STRIPE", "SMTP"])
def test_one_that_cannot_start_ends_all(tmp_path: Path, taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = {f"SANDBOX_{name}_PORT": str(free_port()) for name in ("STRIPE", "MAILBOX", "SMTP", "S3")}
        ports[f"SANDBOX_{taken}_PORT"] = str(other.getsockname()[1])
        environment = ports | {"SANDBOX_DIR": str(tmp_path)}
        with process(*python("-m", "sandbox"), environment=environment, log=tmp_path / "log") as child:
            assert child.wait(30) != 0
