"""Find how many threads the web server should have, when pages wait for Stripe.

A stand-in answers every list call after 0.3 s. Customers open their history (each an address of its own, so that
nothing is cached) as fast as they get answers, while another client asks for the front page. Printed for each number of
threads: history pages a second, and how long the front page takes meanwhile.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles

from app.database import Database
from app.kit.clock import system_clock
from app.kit.ids import digest
from app.models import LoginSession

ROOT = Path(__file__).resolve().parents[1]
STRIPE_S = 0.3
CUSTOMERS = 40
SECONDS = 8
THREADS = (4, 8, 16, 32, 64)
PORT = 8099


class SlowStripe(BaseHTTPRequestHandler):
    """Answers every call with an empty list, late."""

    def do_GET(self) -> None:
        """Answer."""
        time.sleep(STRIPE_S)
        body = json.dumps({"object": "list", "data": [], "has_more": False, "url": "/v1/checkout/sessions"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def fetch(path: str, cookie: str = "") -> float:
    """Return the seconds that a page took."""
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers={"Cookie": cookie})
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - start


@contextmanager
def portal(environment: dict[str, str], threads: int) -> Iterator[None]:
    """Serve the portal with a number of threads."""
    command = ["granian", "--interface", "wsgi", "--port", str(PORT), "--blocking-threads", str(threads), "wsgi:app"]
    server = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                fetch("/healthz")
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(20)


def people(database: Database, count: int) -> list[str]:
    """Log customers in, each of an address of their own; return their cookies."""
    cookies, now = [], system_clock()
    same = {"kind": "customer", "ip": "", "user_agent": "", "created_at": now, "seen_at": now}
    with database.transaction() as session:
        for _ in range(count):
            secret = secrets.token_urlsafe(32)
            session.add(LoginSession(id=digest(secret), email=f"{secrets.token_hex(8)}@example.jp", **same))
            cookies.append(f"session={secret}")
    return cookies


def measure(database: Database) -> tuple[float, float, float]:
    """Return history pages a second, and median and 95th percentile of the front page in milliseconds."""
    waiting = people(database, 4000)
    end = time.perf_counter() + SECONDS
    done: list[float] = []

    def customer() -> None:
        while time.perf_counter() < end:
            done.append(fetch("/history", waiting.pop()))

    crowd = [threading.Thread(target=customer) for _ in range(CUSTOMERS)]
    for one in crowd:
        one.start()
    front = []
    while time.perf_counter() < end:
        front.append(fetch("/"))
        time.sleep(0.02)
    for one in crowd:
        one.join()
    return len(done) / SECONDS, median(front) * 1000, quantiles(front, n=20)[-1] * 1000


def main() -> None:
    """Print the table."""
    stripe = ThreadingHTTPServer(("127.0.0.1", 0), SlowStripe)
    threading.Thread(target=stripe.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.sqlite3"
        example = dict(
            line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
        )
        environment = {
            **os.environ,
            **example,
            "PORTAL_ENV": "test",
            "PUBLIC_URL": f"http://127.0.0.1:{PORT}",
            "DATABASE_URL": url,
            "STRIPE_API_BASE": f"http://127.0.0.1:{stripe.server_port}",
        }
        subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=environment, check=True)
        database = Database(url)
        print(f"{CUSTOMERS} customers, Stripe answers after {STRIPE_S} s")
        print("threads  history/s  front page ms: median  p95")
        for threads in THREADS:
            with portal(environment, threads):
                rate, middle, slow = measure(database)
            print(f"{threads:7} {rate:10.1f} {middle:22.0f} {slow:4.0f}", flush=True)


if __name__ == "__main__":
    main()
