"""The Stripe stand-in as a Flask program: API, payer's pages, control page, and its two threads."""

from __future__ import annotations

from flask import Flask

from sandbox import config
from sandbox.stripe import clock, scheduler, texts
from sandbox.stripe.control import pages as control
from sandbox.stripe.door import enter, idempotency
from sandbox.stripe.objects import webhook_endpoint
from sandbox.stripe.payer import pages
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import out


def create_app() -> Flask:
    """Wire the program over SANDBOX_DIR/stripe.sqlite3 and start its threads."""
    settings = config.load()
    clock.load()
    store = Store(settings.dir / "stripe.sqlite3")
    idempotency.forget_unfinished(store)
    with store.write() as tx:
        webhook_endpoint.ensure_default(tx, settings.webhook_url, settings.webhook_secret)

    app = Flask(__name__, static_folder="../static", static_url_path="/_static")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.compact = False  # type: ignore[attr-defined]
    app.extensions["store"] = store
    for blueprint in (enter.blueprint, pages.blueprint, control.blueprint):
        app.register_blueprint(blueprint)
    app.add_url_rule("/healthz", "healthz", lambda: {"status": "ok"})
    texts.install(app)

    out.start(store)
    scheduler.start(store)
    return app
