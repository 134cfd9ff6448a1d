"""Where the stand-ins live: one reader of their environment, with the demo's defaults."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Config:
    """Ports (all on 127.0.0.1), the folder that keeps their state, and where Stripe's events go."""

    dir: Path
    stripe_port: int
    mailbox_port: int
    smtp_port: int
    s3_port: int
    webhook_url: str
    webhook_secret: str

    @property
    def stripe_url(self) -> str:
        """The address of the Stripe stand-in, for links in its own answers."""
        return f"http://{HOST}:{self.stripe_port}"


def load() -> Config:
    """Read SANDBOX_* and make sure that the state folder exists."""
    env = os.environ.get
    directory = Path(env("SANDBOX_DIR", "var/sandbox")).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    return Config(
        dir=directory,
        stripe_port=int(env("SANDBOX_STRIPE_PORT", "4242")),
        mailbox_port=int(env("SANDBOX_MAILBOX_PORT", "8025")),
        smtp_port=int(env("SANDBOX_SMTP_PORT", "1025")),
        s3_port=int(env("SANDBOX_S3_PORT", "9000")),
        webhook_url=env("SANDBOX_WEBHOOK_URL", "http://127.0.0.1:8000/webhooks/stripe"),
        webhook_secret=env("SANDBOX_WEBHOOK_SECRET", "whsec_demo_0000000000000000000000000000"),
    )
