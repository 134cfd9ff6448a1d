"""`python -m sandbox.objectstore`: the stand-in for S3 and its events' SQS (ministack), its data in SANDBOX_DIR/s3."""

from __future__ import annotations

import os
import sys

from sandbox import config


def environment(settings: config.Config) -> dict[str, str]:
    """Give ministack's environment: loopback only, objects, their metadata and queues on disk, quiet."""
    state = settings.dir / "s3"
    return {
        "GATEWAY_PORT": str(settings.s3_port),
        "BIND_HOST": config.HOST,
        "MINISTACK_HOST": config.HOST,
        "SERVICES": "s3,sqs",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "objects"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "state"),
        "LOG_LEVEL": "WARNING",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


if __name__ == "__main__":
    os.execve(sys.executable, [sys.executable, "-m", "ministack"], os.environ | environment(config.load()))  # noqa: S606
