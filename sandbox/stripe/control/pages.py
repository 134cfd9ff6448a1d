"""The control pages: what the stand-in holds, and a button for every moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.stripe import clock, plans, switches, timers
from sandbox.stripe.control import (
    calls,  # noqa: F401  (it registers moments)
    charges,  # noqa: F401
    deliveries,  # noqa: F401
    disputes,  # noqa: F401
    events,
    faults,
    keys,
    refunds,  # noqa: F401
    sessions,
    settings,  # noqa: F401
    time,
)
from sandbox.stripe.control.moments import Fields, blueprint
from sandbox.stripe.door import calls as recorded
from sandbox.stripe.door.faults import KINDS as FAULTS
from sandbox.stripe.door.keys import LEVELS, RESOURCES
from sandbox.stripe.door.routes import ROUTES
from sandbox.stripe.errors import ApiError, NotFoundError
from sandbox.stripe.objects.dispute import REASONS
from sandbox.stripe.payer import cards, konbini, voucher
from sandbox.stripe.running import store
from sandbox.stripe.store import Json, Tx
from sandbox.stripe.texts import LANGUAGES, language, say

__all__ = ["blueprint"]
SESSIONS_SHOWN = 50
EVENTS_SHOWN = 100
CALLS_SHOWN = 200
DUE_SHOWN = 20
_NOTHING = Fields({})
_TEST_CARDS = [(number, test.summary) for number, test in cards.TEST_CARDS.items()]


def _sessions() -> Json:
    with store().read() as tx:
        found = tx.find("checkout.session", order=f"seq DESC LIMIT {SESSIONS_SHOWN}")
        return {
            "cards": [_card(tx, session) for session in found],
            "paused": switches.get(tx, "webhooks_paused"),
            "reasons": [(reason, reason) for reason in REASONS],
            "chains": konbini.CHAINS,
            "test_cards": [(cards.GOOD, cards.GOOD)] + [(number, f"{number} {one}") for number, one in _TEST_CARDS],
            "default_email": sessions.DEFAULT_EMAIL,
        }


def _card(tx: Tx, session: Json) -> Json:
    intent = tx.get(session["payment_intent"] or "")
    found = tx.find("event", "json_extract(body, '$._sandbox.session') = ?", (session["id"],))
    by_intent = ("json_extract(body, '$.payment_intent') = ?", (intent["id"],)) if intent else ("0", ())
    return {
        "session": session,
        "voucher": voucher.waiting(intent),
        "challenge": intent["id"] if intent and intent["_sandbox"].get("challenge") else None,
        "charge": tx.get(intent["latest_charge"] or "") if intent else None,
        "refunds": tx.find("refund", *by_intent),
        "disputes": tx.find("dispute", *by_intent),
        "events": [events.with_deliveries(tx, event) for event in found],
    }


def _events() -> Json:
    with store().read() as tx:
        newest = tx.find("event", order=f"seq DESC LIMIT {EVENTS_SHOWN}")
        return {
            "events": [events.with_deliveries(tx, event) | event["_sandbox"] for event in newest],
            "paused": switches.get(tx, "webhooks_paused"),
            "endpoints": tx.find("webhook_endpoint", order="seq"),
            "plans": plans.all_of(tx),
            "kinds": [(kind, say(language(None), f"c_plan_{kind}")) for kind in plans.KINDS],
        }


def _time() -> Json:
    with store().read() as tx:
        return {
            "clock": time.read(_NOTHING),
            "timers": [timer for timer in timers.next_ones(tx, 10 * DUE_SHOWN) if _applies(tx, timer)][:DUE_SHOWN],
            "tries": tx.run("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()[0],
            "next_try": tx.run("SELECT min(due) FROM deliveries WHERE state = 'pending'").fetchone()[0],
            "soonest": f"{datetime.fromtimestamp(clock.now() + 60, clock.JST):%Y-%m-%dT%H:%M}",
        }


def _applies(tx: Tx, timer: Json) -> bool:
    """Tell whether a timer will do something; one whose time is over is not taken back, only passed over."""
    session = tx.get(timer["object"], "checkout.session")
    if session is None:
        return True
    waiting = voucher.waiting(tx.get(session["payment_intent"] or ""))
    return bool(waiting) if "voucher" in timer["action"] else session["status"] == "open" and not waiting


def _faults() -> Json:
    routes = [f"{route.method} {re.sub('<[^>]+>', '*', route.path)}" for route in ROUTES]
    kinds = {kind: texts[LANGUAGES.index(language(None))] for kind, texts in FAULTS.items()}
    return {"faults": faults.list_faults(_NOTHING), "kinds": kinds, "routes": routes}


def _switches() -> Json:
    with store().read() as tx:
        values = {name: switches.get(tx, name) for name in switches.SWITCHES}
    return {"switches": switches.SWITCHES, "values": values, "done": "done" in request.args}


def _keys() -> Json:
    return {"keys": keys.list_keys(_NOTHING), "resources": RESOURCES, "levels": LEVELS}


def _calls() -> Json:
    with store().read() as tx:
        newest = tx.run("SELECT max(seq) FROM calls").fetchone()[0] or 0
        return {"calls": recorded.after(tx, max(0, newest - CALLS_SHOWN))[::-1]}


# Name (last part of the address, "" for the first page) -> what its template control/<name>.html shows.
PAGES: dict[str, Callable[[], Json]] = {
    "": _sessions,
    "events": _events,
    "time": _time,
    "faults": _faults,
    "switches": _switches,
    "keys": _keys,
    "calls": _calls,
}


@blueprint.get("")
@blueprint.get("/<name>")
def page(name: str = "", error: str = "", status: int = 200) -> ResponseReturnValue:
    """Show one of PAGES; `error` says why the button that was pressed did nothing, `status` with what answer."""
    if name not in PAGES:
        raise NotFoundError(f"No such control page: {name}")
    template = f"control/{name or 'sessions'}.html"
    return render_template(template, name=name, pages=PAGES, error=error, **PAGES[name]()), status


@blueprint.errorhandler(ApiError)
def refused(error: ApiError) -> ResponseReturnValue:
    """Say why it cannot be done: in JSON to tests, to people on the page where they pressed the button."""
    if request.path.startswith("/_control/api/"):
        return jsonify(error.body()), error.status
    name = urlsplit(request.form.get("back", "")).path.removeprefix("/_control").strip("/")
    return page(name if name in PAGES else "", error.message, error.status)
