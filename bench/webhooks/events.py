"""Signed webhook events of real, paid Checkout Sessions, each event with an id of its own."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

from app.kit.ids import new_id
from app.portal import Portal
from tests.checkout.shop import session_for
from tests.helpers import Sandbox, get_json, make_order

SESSIONS = 100


def sell(portal: Portal, sandbox: Sandbox, count: int = SESSIONS) -> list[dict[str, Any]]:
    """Make orders, pay each by card at the stand-in, and return their `checkout.session.completed` events."""
    for _ in range(count):
        order = make_order(portal, state="delivered")
        _, session_id = session_for(portal, order)
        sandbox.control(f"sessions/{session_id}/pay_card")
    found = get_json(f"{sandbox.stripe}/_control/api/events")
    return [
        {key: value for key, value in event.items() if key != "deliveries"}
        for event in found
        if event["type"] == "checkout.session.completed"
    ]


def write(path: Path, events: list[dict[str, Any]], count: int, secret: str) -> None:
    """Write `count` signed events, a line each: signature, TAB, body. They are good for five minutes."""
    key, stamp = secret.encode(), int(time.time())
    run = new_id()[:8]
    parts = [json.dumps(event, ensure_ascii=False, separators=(",", ":")).split(event["id"], 1) for event in events]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            before, after = parts[number % len(parts)]
            body = f"{before}evt_{run}{number}{after}"
            signature = hmac.new(key, f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
            file.write(f"t={stamp},v1={signature}\t{body}\n")
