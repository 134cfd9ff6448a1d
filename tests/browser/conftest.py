"""A real Chromium, and pages that complain: console errors and policy violations fail the test that saw them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.helpers import REAL_STRIPE, ROOT, Sandbox, get_json, unknown_calls

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=not REAL_STRIPE)
        yield browser
        browser.close()


@pytest.fixture
def new_browser(chromium: Browser, live: str) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a browser of its own (no cookies) on the live portal."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []
    refused: set[str] = set()

    def heard(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if REAL_STRIPE and not url.startswith(live):
            return  # what Stripe's own pages complain of is not ours to mend
        if message.text.startswith("Failed to load resource") and ("/c/pay/" in url or refused):
            return  # Stripe's page says that a card was declined, or the test asks for pages that are refused
        if message.type == "error" or "Content Security Policy" in message.text:
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def open_one(
        locale: str = "ja-JP",
        width: int = 1280,
        height: int = 900,
        *,
        javascript: bool = True,
        refusals: bool = False,
    ) -> Page:
        if refusals:
            refused.add(locale)
        context = chromium.new_context(
            base_url=live,
            locale=locale,
            timezone_id="Asia/Tokyo",
            viewport={"width": width, "height": height},
            java_script_enabled=javascript,
            accept_downloads=True,
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(autouse=True)
def only_known_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which the portal asked Stripe something that the stand-in does not know."""
    if "live" not in request.fixturenames:
        yield
        return
    sandbox: Sandbox = request.getfixturevalue("sandbox")
    calls = f"{sandbox.stripe}/_control/api/calls?after="
    before = get_json(f"{calls}0")
    yield
    assert unknown_calls(get_json(f"{calls}{before[-1]['seq'] if before else 0}")) == []


def audit(page: Page) -> list[str]:
    """Run axe-core on the page as it is; return its serious and critical findings, and structural ones of ours."""
    page.wait_for_load_state()
    # Evaluated by the debugger, not loaded as a script: the page's policy stays as strict as it is.
    page.evaluate(AXE.read_text(encoding="utf-8") + "\n;0")
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [
        f"{v['id']}: {v['nodes'][0]['target']} {v['nodes'][0]['failureSummary']}"
        for v in result["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} headings of level one")
    unlabelled = page.evaluate(
        """[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
             .filter(e => !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML)"""
    )
    return [f"{page.url}: {text}" for text in [*found, *unlabelled]]


@pytest.fixture
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for screenshots: a fresh one, or that of the environment, where somebody wants to see them."""
    kept = os.environ.get("SHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("shots")
