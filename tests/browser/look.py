"""A look at a page as a person has it before them."""

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.conftest import audit


class Look:
    """Audits a page as it is and takes its picture; what is wrong is in `found` at the end."""

    def __init__(self, page: Page, shots: Path) -> None:
        self.page, self.shots, self.found = page, shots, list[str]()

    def __call__(self, name: str) -> None:
        """Look at the page, once it is there: a click returns as soon as the next page begins to come."""
        self.page.wait_for_load_state()
        width = self.page.evaluate("document.documentElement.clientWidth")
        self.page.screenshot(path=self.shots / f"{name}-{width}.png", full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth") - width
        self.found += audit(self.page) + ([f"{name}: scrolls sideways by {wide} px"] if wide > 0 else [])
