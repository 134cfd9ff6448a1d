"""What the measurement stands on: databases, the Stripe stand-in, servers under granian, job workers."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.helpers import ROOT, Sandbox, answers, free_port, process, python, wait_for

SECRET = "whsec_bench_only_not_a_secret_0000000000"  # noqa: S105  (a dummy)
KEY = "sk_test_" + "dummy" * 6  # letters only: dj-stripe takes no other
VENV = ROOT / "var" / "bench" / "djstripe"
REQUIREMENTS = ROOT / "requirements" / "djstripe.txt"


@contextmanager
def stripe(folder: Path) -> Iterator[Sandbox]:
    """Run the Stripe stand-in alone, without limits on its rate."""
    port = free_port()
    environment = {
        "SANDBOX_DIR": str(folder / "sandbox"),
        "SANDBOX_STRIPE_PORT": str(port),
        "SANDBOX_WEBHOOK_URL": "",
        "SANDBOX_WEBHOOK_SECRET": SECRET,
    }
    here = Sandbox(f"http://127.0.0.1:{port}", "", "", "", SECRET, environment)
    with process(*python("-m", "sandbox.stripe"), environment=environment, log=folder / "stripe.log"):
        wait_for(lambda: answers(f"{here.stripe}/healthz"), 60, "the Stripe stand-in")
        here.control("settings", {"rate_limits": False})
        yield here


def portal_environment(folder: Path, database_url: str, sandbox: Sandbox) -> dict[str, str]:
    """Give the portal's settings."""
    return {
        "PORTAL_ENV": "test",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "bench-only-not-a-secret-bench-only-not-a-secret",
        "PUBLIC_URL": "http://127.0.0.1",
        "STRIPE_API_KEY": KEY,
        "STRIPE_REFUND_KEY": KEY,
        "STRIPE_API_BASE": sandbox.stripe,
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "S3_BUCKET": "bench",
        "S3_ENDPOINT_URL": "http://127.0.0.1:9",
        "MAIL_TRANSPORT": "log",
        "MAIL_FROM": "no-reply@kaiseki.example",
        "CATALOG": str(ROOT / "catalog.toml"),
        "CLOCK_FILE": str(folder / "sandbox" / "clock"),
    }


@contextmanager
def serving(
    target: str, workers: int, environment: Mapping[str, str], folder: Path, *, interpreter: Path = Path(sys.executable)
) -> Iterator[str]:
    """Run a WSGI application under granian, the same way for everybody; give its address."""
    port, log = free_port(), folder / "server.log"
    options = ["--workers", str(workers), "--blocking-threads", "8", "--log-level", "error"]
    words = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), *options, target]
    with process(str(interpreter), *words, environment=dict(environment), log=log) as child:

        def up() -> bool:
            if child.poll() is not None:
                raise RuntimeError(log.read_text())
            return _listens(port)

        wait_for(up, 60, target)
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def job_workers(count: int, environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Run the portal's job workers until they are needed no more."""
    with ExitStack() as stack:
        for number in range(count):
            log = folder / f"worker-{number}.log"
            stack.enter_context(process(*python("-m", "app.worker"), environment=dict(environment), log=log))
            wait_for(lambda log=log: log.exists() and "worker.ready" in log.read_text(), 60, "a worker")  # type: ignore[misc]
        yield


def djstripe_python() -> Path:
    """Install dj-stripe into a virtual environment of its own, once; it wants an older stripe-python than we do."""
    ready, interpreter = VENV / ".ready", VENV / "bin" / "python"
    if not ready.exists() or ready.stat().st_mtime < REQUIREMENTS.stat().st_mtime:
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
        ready.touch()
    return interpreter


def djstripe_environment(database_url: str, sandbox: Sandbox, *, store_only: bool) -> dict[str, str]:
    """Give the Django site's settings; DATABASE_URL is SQLAlchemy's form of the address."""
    return {
        "BENCH_DATABASE_URL": database_url.replace("+psycopg", ""),
        "BENCH_STRIPE_API_BASE": sandbox.stripe,
        "BENCH_STRIPE_API_KEY": KEY,
        "BENCH_SECRET": SECRET,
        "BENCH_STORE_ONLY": "1" if store_only else "",
    }


def djstripe_path(interpreter: Path, environment: Mapping[str, str]) -> str:
    """Make dj-stripe's tables and endpoint; give the path that takes its events."""
    words = [str(interpreter), "-m", "bench.webhooks.djsite.prepare"]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip().splitlines()[-1]
