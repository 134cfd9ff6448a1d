"""Mail scanners that run scripts: they open the link in a real browser, wait and scroll, and press nothing."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page

from app.portal import Portal
from tests.login.steps import ask, mailed, post, requests_of, sessions_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("javascript", [True, False])
def test_ac_l02_a_scanner_that_runs_scripts_uses_nothing_up(
    new_browser: Callable[..., Page], client: FlaskClient, portal: Portal, email: str, *, javascript: bool
) -> None:
    """Chromium opens the link, scrolls, and 15 seconds pass for its timers: the link still waits for a person."""
    ask(client, email)
    path = f"/login/{mailed(portal, email).token}"
    page = new_browser(javascript=javascript)
    if javascript:
        page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    for _ in range(5):
        page.mouse.wheel(0, 400)
        page.keyboard.press("End")
    if javascript:
        page.clock.fast_forward(15_000)
        page.evaluate("scrollTo(0, document.body.scrollHeight); document.dispatchEvent(new Event('visibilitychange'))")
        page.clock.run_for(15_000)
    page.wait_for_load_state("networkidle")
    assert set(asked) == {"GET"}
    assert page.url.endswith(path)
    assert requests_of(portal, email)[0].consumed_at is None
    assert sessions_of(portal, email) == []
    assert not [one for one in page.context.cookies() if one.get("name") in {"session", "device"}]
    assert post(client, path).status_code == 303
