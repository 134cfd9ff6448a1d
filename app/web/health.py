"""For operators: /healthz (this process and its database), /readyz (also the object store), /metrics."""

import time
from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.errors import StorageDownError
from app.gateways.storage import NoSuchObjectError
from app.portal import portal

blueprint = Blueprint("health", __name__)

REQUESTS = Histogram("portal_request_seconds", "Time to answer", ["endpoint", "method", "status"])
AT_SCRAPE: list[Callable[[], None]] = []
"""What to call before the figures are given out."""

WEBHOOKS = Counter("portal_webhooks_total", "Webhook deliveries by outcome", ["outcome"])


_clock = {"off": False}


def note_clock(*, off: bool) -> None:
    """Keep whether the last delivery's time differed from ours: Stripe's clock is right, so ours may be wrong (C1)."""
    _clock["off"] = off


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer 200 when this process serves and reaches its database; a database error becomes 503 (I8).

    A second line tells of a clock that may be wrong; a restart would not set it, so the answer stays 200.
    """
    with portal.database.transaction() as session:
        session.execute(text("SELECT 1"))
    clock = "clock: the last webhook's time was not ours; is this machine's clock right?\n" if _clock["off"] else ""
    return Response(f"ok\n{clock}", mimetype="text/plain")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 when orders can be taken: database and object store."""
    healthz()
    try:
        portal.storage.ready()
    except (StorageDownError, NoSuchObjectError):
        return Response("object store does not answer\n", status=503, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return this process's figures for Prometheus, and what rooms read from the database; without it, the former."""
    with suppress(SQLAlchemyError):
        for measure in AT_SCRAPE:
            measure()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def init_metrics(app: Flask) -> None:
    """Time every request."""

    @app.before_request
    def start_clock() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def stop_clock(response: Response) -> Response:
        taken = time.perf_counter() - g.get("started", time.perf_counter())
        REQUESTS.labels(request.endpoint or "none", request.method, response.status_code).observe(taken)
        return response
