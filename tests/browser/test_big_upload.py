"""300 MB over a slow line that breaks: the tab is closed in the middle, the file goes on, and arrives as it is."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.models import Order
from tests.faults.house import House, house_on
from tests.helpers import ROOT, Sandbox, wait_for
from tests.strict.door import Door, Fault

pytestmark = pytest.mark.browser

SIZE = 300_000_000  # bytes
PARTS = -(-SIZE // (16 * 1024 * 1024))
RATE = 40_000_000  # bytes a second
BREAKS = 70_000_000  # bytes after which a connection is torn, again and again
GROWTH = 20_000_000  # bytes that a web process may need more than before
# Paid first, so that nothing is analysed here.
PRODUCT = """
[[products]]
key = "big"
name = { ja = "試験", en = "Test" }
summary = { ja = "試験", en = "Test" }
price = 1000
charge = "before_analysis"
command = ["python", "-c", ""]
accepts = [".csv"]
max_bytes = 5_000_000_000
time_limit = 60
memory_limit = 536_870_912
"""


@pytest.fixture
def door(sandbox: Sandbox) -> Iterator[Door]:
    """Put a slow, breaking line in front of the object store, for browsers."""
    one = Door(sandbox.s3)
    yield one
    one.close()


@pytest.fixture
def house(door: Door, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run the portal with real processes; its browsers reach the store over that line."""
    folder = tmp_path_factory.mktemp("big")
    catalog = folder / "sold.toml"
    catalog.write_text((ROOT / "catalog.toml").read_text() + PRODUCT)
    with house_on("sqlite", folder, sandbox, S3_PUBLIC_URL=door.address, CATALOG=str(catalog)) as one:
        yield one


def big_file(folder: Path) -> tuple[Path, str]:
    """Write a CSV of 300 MB; return it and its SHA-256."""
    path, digest = folder / "大きな売上.csv", hashlib.sha256()
    with path.open("wb") as file:
        for number in range(SIZE // 1_000_000):
            line = f"2026-11-{number % 28 + 1:02d},{number},{number * 7919 % 100_003}\n".encode()
            piece = (line * (1_000_000 // len(line) + 1))[:1_000_000]
            digest.update(piece)
            file.write(piece)
    return path, digest.hexdigest()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    stats = {path: path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat")}
    return [int(path.parent.name) for path, fields in stats.items() if int(fields[1]) == pid]


def memory(pid: int, what: str) -> int:
    """Read a process's memory in bytes: VmRSS now, VmHWM at most."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def send(page: Page, file: Path) -> None:
    """Choose the file and press the one button."""
    page.set_input_files("input[type=file]", str(file))
    page.click("form[data-upload] [data-part=ask] button.button:not([type=button])")


def taken(door: Door) -> int:
    """Count the parts that the store has taken and the browser knows of."""
    return door.seen.count(("UploadPart", 200))


def test_a_large_file_on_a_train(chromium: Browser, house: House, door: Door, tmp_path: Path, email: str) -> None:
    file, sha256 = big_file(tmp_path)
    web = children(house.children["web"][0].pid)
    assert web
    context = chromium.new_context(base_url=f"http://127.0.0.1:{house.port}", locale="ja-JP")
    page = context.new_page()
    page.goto("/?product=big")
    page.fill("input[name=email]", email)
    before = {pid: memory(pid, "VmRSS") for pid in web}
    for pid in web:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # forgets the highest use so far (proc(5))

    busy = Fault("UploadPart", "answer", times=1, status=503, code="SlowDown")
    lost = Fault("UploadPart", "lost", times=1)
    door.line.rate, door.line.breaks = RATE, BREAKS
    with door.broken(busy, lost):
        send(page, file)
        wait_for(lambda: taken(door) >= PARTS // 2, 120, "half of the file")
        page.close()
        page = context.new_page()
        page.goto("/?product=big")
        page.click("[data-part=unfinished-link]")
        expect(page.locator("form[data-go-on]")).to_be_visible()
        send(page, file)
        expect(page.locator("form[data-upload]")).to_have_count(0, timeout=120_000)
    order_id = page.url.rpartition("/")[2].partition("?")[0]
    context.close()

    def order() -> Order:
        with house.portal.database.transaction() as session:
            return session.get_one(Order, order_id)

    house.until(lambda: order().scan is not None, what="a look at the file")
    assert (order().size, order().sha256) == (SIZE, sha256)
    digest = hashlib.sha256()
    for piece in house.portal.storage.stream(f"orders/{order_id}.kaiseki"):
        digest.update(piece)
    assert digest.hexdigest() == sha256
    assert door.line.broken >= 3
    # Gone on with, not begun again: no more than what was under way when the tab was closed came twice.
    assert PARTS <= taken(door) <= PARTS + 4
    growth = {pid: memory(pid, "VmHWM") - before[pid] for pid in web}
    assert max(growth.values()) < GROWTH, growth
