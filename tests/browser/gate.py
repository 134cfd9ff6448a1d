"""A gate before the object store: parts wait until a test lets them through, and each one that passes is counted."""

from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Error, Page, Request, Route, expect

from tests.helpers import wait_for

PART = 16 * 1024 * 1024  # bytes
SEND = "form[data-upload] button.button:not([type=button])"


class Gate:
    """Holds the parts of every page of a browser; `passed` counts how often each part's number went through."""

    def __init__(self, context: BrowserContext, store: str, through: int = 0) -> None:
        """Let the first `through` parts pass, and hold the others."""
        self.passed: Counter[int] = Counter()
        self.held: list[tuple[int, Route]] = []
        self._arrived = 0
        self._through = through
        context.route(lambda url: url.startswith(store) and "partNumber=" in url, self._meet)
        context.on("requestfinished", self._finished)

    def open(self) -> None:
        """Let through what is held and all that comes."""
        self._through = 1_000_000
        waiting, self.held = self.held, []
        for number, route in waiting:
            self._pass(number, route)

    def wait_until_held(self, page: Page, count: int) -> None:
        """Wait until so many parts stand before the gate, and all that passed have arrived."""

        def full() -> bool:
            page.evaluate("0")  # lets Playwright hear of requests
            return len(self.held) >= count and self._arrived == self.passed.total()

        wait_for(full, 30, f"{count} parts at the gate")

    def forget_held(self) -> None:
        """Drop what is held: the page has let go of it."""
        waiting, self.held = self.held, []
        for _, route in waiting:
            with suppress(Error):
                route.abort()

    def _meet(self, route: Route) -> None:
        number = int(parse_qs(urlsplit(route.request.url).query)["partNumber"][0])
        if self._through > 0:
            self._through -= 1
            self._pass(number, route)
        else:
            self.held.append((number, route))

    def _finished(self, request: Request) -> None:
        self._arrived += request.method == "PUT" and "partNumber=" in request.url

    def _pass(self, number: int, route: Route) -> None:
        self.passed[number] += 1
        route.continue_()


def big_file(folder: Path, parts: int, name: str = "計測.csv", mark: bytes = b"part") -> Path:
    """Write a file of so many parts, the last one short; nearly all zeros, so that it takes no room on the disk."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    with path.open("wb") as file:
        for number in range(parts):
            file.seek(number * PART)
            file.write(mark + b"\0%d" % number)
    return path


def fill(page: Page, email: str, path: Path, product: str = "csv-profile") -> None:
    """Fill the order form, up to its button."""
    page.goto(f"/?product={product}")
    page.fill("input[name=email]", email)
    page.set_input_files("#file", str(path))
    expect(page.locator("[data-part=chosen]")).not_to_be_empty()
