"""How fast the page sends a large file, beside the AWS CLI sending the same file to the same object store.

`python -m bench.upload [MiB] [rounds]` (default 1024 and 2): the order form in a real Chromium, and `aws s3 cp`, in
turn, so that a machine that grows slower makes both slower. Store and portal have one half of the processors, whoever
sends has the other: a customer's computer is not the store's. The stores are the embedded one (which keeps each object
three times in memory) and Ceph's gateway where the machine has it. The page's time is from the click on its button
until it asks the portal to confirm: order, signatures, parts, and the SHA-256 of every part and of the file. What the
portal does then (completing, copying) is printed beside it; the CLI does nothing like it. Exit code 1 where the page
has less than 0.8 of the CLI's speed with either store.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from app import create_app
from app.portal import EXTENSION, Portal
from bench.webhooks.house import portal_environment
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.conftest import migrate
from tests.helpers import ROOT, Sandbox, answers, free_port, process, python, wait_for
from tests.strict.ceph import missing, radosgw
from tests.strict.conftest import allow_writing

MIB = 1024 * 1024
GOAL = 0.8
CLI = "awscli==1.46.3"
VENV = ROOT / "var" / "awscli"
LIMIT_MS = 1_800_000  # of one upload
BUCKET = "bench"

CORES = sorted(os.sched_getaffinity(0))
SERVER, CLIENT = CORES[: len(CORES) // 2] or CORES, CORES[len(CORES) // 2 :]

Start = Callable[[Path], AbstractContextManager[str]]


def cli() -> Path:
    """Install the AWS CLI into a virtual environment of its own, once; give its program."""
    program = VENV / "bin" / "aws"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", CLI], check=True)
    return program


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Run the store of `make run`; give its address."""
    port = free_port()
    environment = {"SANDBOX_DIR": str(folder / "sandbox"), "SANDBOX_S3_PORT": str(port)}
    with process(*python("-m", "sandbox.objectstore"), environment=environment, log=folder / "store.log"):
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/_ministack/health"), 60, "the store")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def portal(folder: Path, store: str) -> Iterator[tuple[str, Portal]]:
    """Serve the portal on that store; give its address and its gateways."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    nobody = Sandbox(stripe="http://127.0.0.1:9", mailbox="", s3="", smtp="", webhook_secret="")
    url = f"sqlite:///{folder / 'portal.sqlite3'}"
    environment = portal_environment(folder, url, nobody)
    environment |= {"PUBLIC_URL": base, "S3_ENDPOINT_URL": store, "S3_BUCKET": BUCKET}
    os.environ.update(environment)
    migrate(url)
    here: Portal = create_app().extensions[EXTENSION]
    here.storage.set_up()
    allow_writing(here.storage)
    command = python(
        "-m", "granian", "--interface", "wsgi", "--port", str(port), "--blocking-threads", "64", "wsgi:app"
    )
    with process(*command, environment=environment, log=folder / "server.log"):
        wait_for(lambda: answers(f"{base}/healthz"), 60, "the portal")
        yield base, here


def by_cli(program: Path, path: Path, store: str) -> float:
    """Return the seconds that `aws s3 cp` takes, its own start included."""
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "ap-northeast-1",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # Ceph 16 refuses CRC trailers; SHA-256 is signed anyway
    }
    command = [
        str(program),
        "--endpoint-url",
        store,
        "s3",
        "cp",
        "--quiet",
        str(path),
        f"s3://{BUCKET}/cli/{path.name}",
    ]
    began = time.perf_counter()
    subprocess.run(command, env={**os.environ, **settings}, check=True)
    return time.perf_counter() - began


def by_page(browser: Browser, base: str, path: Path) -> tuple[float, float]:
    """Return the seconds from the click to the confirm, and those that the confirm takes."""
    page = browser.new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{base}/?product=csv-profile")
    page.fill("#email", "taro@example.jp")
    page.set_input_files("#file", str(path))
    with page.expect_request(lambda request: request.url.endswith("/uploaded")):
        began = time.perf_counter()
        page.click("form[data-upload] button.button:not([type=button])")
    sent = time.perf_counter()
    page.wait_for_url("**/orders/*")
    done = time.perf_counter()
    page.close()
    return sent - began, done - sent


def write(path: Path, mebibytes: int) -> Path:
    """Write a file of random bytes; read it once, so that neither side finds it on the disk only."""
    with path.open("wb") as file:
        file.write(b"bench\n")
        for _ in range(mebibytes):
            file.write(os.urandom(MIB))
    with path.open("rb") as file:
        while file.read(64 * MIB):
            pass
    return path


def main() -> None:
    """Measure with each store that is here."""
    mebibytes = int(sys.argv[1]) if sys.argv[1:] else 1024
    rounds = int(sys.argv[2]) if sys.argv[2:] else 2
    ratios = [measure(f"embedded store, {mebibytes} MiB", embedded, mebibytes, rounds)]
    if why := missing():
        print(f"not with Ceph's gateway: {why}")
    else:
        ratios.append(measure(f"Ceph's gateway, {mebibytes} MiB", lambda f: radosgw(f / "ceph"), mebibytes, rounds))
    sys.exit(min(ratios) < GOAL)


def measure(title: str, start: Start, mebibytes: int, rounds: int) -> float:
    """Send the file in turn; print each round, return how fast the page is beside the CLI."""
    print(title)
    program = cli()
    slow: list[float] = []
    fast: list[float] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-upload-")))
        os.sched_setaffinity(0, SERVER)
        store = stack.enter_context(start(folder))
        base, here = stack.enter_context(portal(folder, store))
        os.sched_setaffinity(0, CLIENT)  # of what is started from here on
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        path = write(folder / "bench.csv", mebibytes)
        for _ in range(rounds):
            fast.append(by_cli(program, path, store))
            print(f"  AWS CLI {fast[-1]:7.2f} s  {mebibytes / fast[-1]:7.1f} MiB/s")
            took, confirm = by_page(browser, base, path)
            slow.append(took)
            print(f"  page    {took:7.2f} s  {mebibytes / took:7.1f} MiB/s  (then confirmed in {confirm:.2f} s)")
            for prefix in ("cli/", "incoming/", "orders/"):
                here.storage.delete_all(prefix)
        browser.close()
    ratio = median(fast) / median(slow)
    print(f"the page has {ratio:.2f} of the CLI's speed (goal {GOAL})")
    return ratio


if __name__ == "__main__":
    main()
