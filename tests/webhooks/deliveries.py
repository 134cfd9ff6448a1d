"""Events as Stripe would send them, signed or not quite."""

import json
import time
from typing import Any

import stripe
from flask import current_app
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.gateways.stripe import API_VERSION
from app.kit.ids import new_id
from app.models import StripeEvent
from app.portal import Portal
from tests.conftest import WEBHOOK_SECRET, Browser


def make_event(type_: str = "checkout.session.completed", **changes: Any) -> dict[str, Any]:
    """Return an event about a session that Stripe does not know; its id is new."""
    return {
        "id": f"evt_{new_id().replace('-', '')}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": {"id": "cs_test_unknown", "object": "checkout.session"}},
        "livemode": False,
        "type": type_,
        **changes,
    }


def encode(event: dict[str, Any]) -> bytes:
    """Write an event the way Stripe does."""
    return json.dumps(event, indent=2, ensure_ascii=False).encode()


def sign(body: bytes, secret: str = WEBHOOK_SECRET, late: int = 0) -> str:
    """Return the signature of a body, signed `late` seconds ago."""
    stamp = int(time.time()) - late
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, stamp))


def deliver(client: FlaskClient, body: bytes, signature: str | None, **headers: str) -> TestResponse:
    """Send a body to the webhook."""
    given = {"Stripe-Signature": signature} if signature is not None else {}
    return client.post("/webhooks/stripe", data=body, headers={"Content-Type": "application/json", **given, **headers})


def keep(portal: Portal, type_: str, taken_by: str | None = "this test", **subject: str) -> str:
    """Store an event about an object as the webhook does, out of reach of running workers; return its id."""
    event = make_event(type_, data={"object": subject})
    row = {"id": event["id"], "type": type_, "payload": encode(event).decode(), "object_id": subject.get("id")}
    with portal.database.transaction() as session:
        session.add(StripeEvent(**row, state="received", taken_by=taken_by, received_at=portal.clock()))
    return str(event["id"])


def browser_here() -> FlaskClient:
    """Return a browser at the application whose context this is."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (LocalProxy's own name for it)
    return Browser(app, app.response_class)


def stored(portal: Portal, event_id: str) -> StripeEvent | None:
    """Read an event's row."""
    with portal.database.transaction() as session:
        return session.get(StripeEvent, event_id)
