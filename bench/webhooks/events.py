"""Signed webhook events of real, paid Checkout Sessions, each event with an id of its own."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

from app.gateways.stripe import SessionRequest
from app.kit.ids import new_id
from app.portal import Portal
from tests.helpers import Sandbox, get_json, make_order, make_payment

SESSIONS = 100


def sell(portal: Portal, sandbox: Sandbox, count: int = SESSIONS) -> list[dict[str, Any]]:
    """Make orders, pay each by card at the stand-in, and return their `checkout.session.completed` events."""
    for _ in range(count):
        order = make_order(portal, state="delivered")
        payment = make_payment(portal, order, state="creating", session_id=None)
        session = portal.stripe.create_session(
            SessionRequest(
                attempt_id=payment.id,
                begun_at=payment.created_at,
                order_id=order.id,
                portal_id=portal.catalog.portal.id,
                email=order.email,
                method="card",
                name="CSV profile",
                price=order.price,
                handling=0,
                handling_name="",
                locale="en",
                success_url="http://127.0.0.1/return",
                cancel_url="http://127.0.0.1/pay",
                submit_note="Bench",
                expires_after_days=None,
                terms_version="2026-01",
            )
        )
        sandbox.control(f"sessions/{session['id']}/pay_card")
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
