"""The Stripe stand-in's control pages in Chromium: every page reads well, and its buttons make moments happen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_sandbox_pages import api, looks_right, on_both, page
from tests.sandbox.conftest import Stripe, own

pytestmark = pytest.mark.browser
__all__ = ["api", "own", "page"]  # fixtures: pytest finds them by their names
NAMES = ["", "events", "time", "faults", "switches", "keys", "calls"]


def _open(api: Stripe, page: Page, name: str) -> None:
    page.goto(f"{api.base}/_control/{name}".rstrip("/"))


@on_both
def test_every_page_reads_well_and_is_reached_by_the_keyboard(api: Stripe, page: Page) -> None:
    api.paid_by_card()
    api.with_voucher()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    _open(api, page, "")
    for index, name in enumerate(NAMES):
        link = page.locator("nav a").nth(index)
        link.focus()
        page.keyboard.press("Enter")
        expect(page.locator("nav [aria-current=page]")).to_have_attribute("href", f"/_control/{name}".rstrip("/"))
        expect(page.locator(".banner")).to_be_visible()
        for details in page.locator("details").all()[:3]:
            details.evaluate("element => { element.open = true }")
        looks_right(page)
    assert heard == []


def test_a_payment_is_made_in_the_customers_place_and_disputed(api: Stripe, page: Page) -> None:
    session = api.create()
    _open(api, page, "")
    card = page.locator(f"[data-session='{session.id}']")
    card.locator("summary").first.click()
    card.locator("select[name=card_number]").select_option("4000000000000002")
    card.get_by_test_id("pay-card").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")  # on the page where it was pressed
    card.locator("summary").first.click()
    card.get_by_test_id("pay-card").click()
    expect(card.locator("h2 .state")).to_have_text("complete / paid")
    card.locator("summary").first.click()
    card.get_by_test_id("dispute").click()
    card.get_by_test_id("dispute-lose").click()
    expect(card.locator("[data-dispute] .state")).to_have_text("lost")
    looks_right(page)


def test_a_voucher_is_taken_in_the_customers_place(api: Stripe, page: Page) -> None:
    session = api.create()
    _open(api, page, "")
    card = page.locator(f"[data-session='{session.id}']")
    card.locator("summary").first.click()
    card.get_by_test_id("issue-voucher").click()
    card.locator("select[name=chain]").select_option("seicomart")
    card.get_by_test_id("pay-at-till").click()
    expect(card.get_by_test_id("pay-at-till")).to_have_count(0)
    paid: Any = api.full(session.id)
    assert paid.payment_intent.latest_charge.payment_method_details.konbini.store.chain == "seicomart"


def test_deliveries_are_held_back_and_released_in_reverse(own: Stripe, page: Page) -> None:
    _open(own, page, "events")
    page.get_by_test_id("pause").click()
    session = own.create()
    own.sessions.expire(session.id)
    _open(own, page, "")
    expect(page.locator(".notice")).to_be_visible()
    _open(own, page, "events")
    page.get_by_test_id("release-reverse").click()
    own.receiver.wait(session.id, "checkout.session.expired")
    page.get_by_test_id("pause").click()
    expect(page.get_by_test_id("release-reverse")).to_have_count(0)
    before = len(own.receiver.events)
    page.get_by_test_id("redeliver").first.click()
    expect(page.locator("[data-event]").first).to_be_visible()
    with own.receiver.arrived:
        assert own.receiver.arrived.wait_for(lambda: len(own.receiver.events) > before, timeout=20)


def test_faults_of_deliveries_are_planned_and_cleared(own: Stripe, page: Page) -> None:
    _open(own, page, "events")
    page.locator("select[name=do]").select_option("twin")
    page.get_by_test_id("plan").last.click()
    expect(page.get_by_test_id("plans").locator("li")).to_have_count(1)
    (plan,) = own.control("deliveries/plan", method="GET")
    assert (plan["do"], plan["types"]) == ("twin", ["checkout.session.*"])
    page.get_by_test_id("clear-plans").click()
    expect(page.get_by_test_id("plans")).to_have_count(0)


def test_endpoints_are_added_rolled_and_deleted(own: Stripe, page: Page) -> None:
    _open(own, page, "events")
    page.locator("details summary").first.click()
    page.fill("input[name=url]", "ftp://nowhere/")
    page.get_by_test_id("add-endpoint").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("nav [aria-current=page]")).to_have_attribute("href", "/_control/events")
    page.locator("details summary").first.click()
    page.fill("input[name=url]", "http://127.0.0.1:9/hook")
    page.get_by_test_id("add-endpoint").click()
    added = page.locator("[data-endpoint]").last
    expect(added).to_contain_text("127.0.0.1:9/hook")
    added.get_by_test_id("roll").click()
    page.locator("[data-endpoint]").last.get_by_test_id("delete-endpoint").click()
    expect(page.locator("[data-endpoint]")).to_have_count(1)


def test_the_clock_goes_forward_and_says_what_is_due(own: Stripe, page: Page) -> None:
    voucher: Any = own.with_voucher()
    _open(own, page, "time")
    expect(page.locator("li", has_text=voucher.id)).to_have_count(1)
    before = own.control("time", method="GET")["now"]
    page.get_by_test_id("plus-3-days").click()
    expect(page.locator("p", has_text="進んでいます")).to_be_visible()
    assert 0 <= own.control("time", method="GET")["now"] - before - 3 * 24 * 3600 < 60
    page.fill("input[name=to]", "2020-01-01T00:00")
    page.get_by_test_id("to").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_test_id("plus-1-days").click()
    own.receiver.wait(voucher.id, "checkout.session.async_payment_failed")  # the page comes when all is played
    expect(page.locator("li", has_text=voucher.id)).to_have_count(0, timeout=30_000)
    moment = own.control("time", method="GET")["now"] // 60 * 60 + 9 * 3600 + 120
    page.fill("input[name=to]", page.evaluate("s => new Date(s * 1000).toISOString().slice(0, 16)", moment))
    page.get_by_test_id("to").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert own.control("time", method="GET")["now"] + 9 * 3600 >= moment


def test_faults_are_set_and_cleared(api: Stripe, page: Page) -> None:
    _open(api, page, "faults")
    page.fill("input[name=route]", "nonsense")
    page.get_by_test_id("add-fault").click()
    expect(page.get_by_role("alert")).to_be_visible()
    for _ in range(2):
        page.locator("select[name=kind]").select_option("429")
        page.fill("input[name=route]", "GET /v1/nothing")
        page.get_by_test_id("add-fault").click()
    expect(page.locator("[data-fault]")).to_have_count(2)
    page.get_by_test_id("delete-fault").first.click()
    expect(page.locator("[data-fault]")).to_have_count(1)
    page.get_by_test_id("clear-faults").click()
    expect(page.locator("[data-fault]")).to_have_count(0)
    assert api.control("faults", method="GET") == []


def test_switches_are_saved_all_at_once_and_a_wrong_value_changes_none(own: Stripe, page: Page) -> None:
    before = own.control("settings")
    _open(own, page, "switches")
    page.get_by_test_id("save").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert own.control("settings") == before
    page.locator("select[name=voucher_session_status]").select_option("open")
    page.fill("input[name=late_payment_seconds]", "soon")
    page.get_by_test_id("save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert own.control("settings") == before
    page.locator("select[name=voucher_session_status]").select_option("open")
    page.get_by_test_id("save").click()
    expect(page.locator("#voucher_session_status-hint")).to_contain_text("complete")
    assert own.control("settings")["voucher_session_status"] == "open"
    own.control("settings", {"voucher_session_status": "complete"})


def test_a_restricted_key_is_registered_and_calls_are_shown(api: Stripe, page: Page) -> None:
    _open(api, page, "keys")
    page.fill("input[name=key]", "rk_test_frompage")
    page.locator("select[name=checkout_sessions]").select_option("read")
    page.get_by_test_id("add-key").click()
    expect(page.locator("[data-key=rk_test_frompage]")).to_contain_text("checkout_sessions: read")
    api.refusal(lambda: api.sessions.retrieve("cs_test_none"))
    _open(api, page, "calls")
    expect(page.locator("[data-call]").first).to_contain_text("cs_test_none")
    expect(page.locator("[data-call] .status").first).to_have_text("404")
