"""Kaiseki Portal: `create_app` puts the rooms together."""

from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf import CSRFProtect

from app.kit import failpoints
from app.orders.line import place_of
from app.portal import EXTENSION, build_portal
from app.settings import Settings, load_settings
from app.startup import must_be_fit, must_have_tasks
from app.web import health, reports
from app.web.assets import init_assets
from app.web.errors import init_errors
from app.web.gate import init_gate
from app.web.limits import init_limits
from app.web.logs import init_logs
from app.web.outermost import init_outermost
from app.web.proxies import init_proxies
from app.web.texts import init_texts

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "intake",
    "orders",
    "checkout",
    "webhooks",
    "delivery",
    "history",
    "login",
    "privacy",
    "staff_login",
    "staff",
    "staff.listing",
    "staff.actions",
    "staff.attention",
    "staff.numbers",
    "staff.refunds",
    "staff.order",
    "staff.log",
    "staff.people",
    "staff.view_as",
    "legal",
)
MAX_BODY = 64 * 1024  # bytes; files never pass through here (AC-H08)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application; raises BadSettingsError or BadCatalogError with a clear text."""
    settings = settings or load_settings()
    must_be_fit(settings)
    app = Flask(__name__, static_folder=str(ROOT / "static"), template_folder=str(ROOT / "templates"))
    app.config.update(
        SECRET_KEY=settings.keys[-1],
        SECRET_KEY_FALLBACKS=settings.keys[:-1],
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        MAX_FORM_PARTS=50,
        SESSION_COOKIE_NAME="__Host-portal" if settings.secure else "portal",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=[urlsplit(settings.public_url).hostname],
        # For addresses made outside a request; inside one the host is checked against TRUSTED_HOSTS.
        SERVER_NAME=urlsplit(settings.public_url).netloc,
        PREFERRED_URL_SCHEME=urlsplit(settings.public_url).scheme,
        RATELIMIT_ENABLED=settings.portal_env != "test",
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        # It wants a Referer, which pages with a secret address don't send; app.web.gate asks the browser more exactly.
        WTF_CSRF_SSL_STRICT=False,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    app.url_map.merge_slashes = False  # its redirects name the request's Host
    app.jinja_env.globals.pop("config")  # all secrets at once; pages have config_public (AC-H11)
    failpoints.arm(settings.failpoint)
    app.extensions[EXTENSION] = build_portal(settings, {"analysis.run": place_of, "analysis.renew": place_of})
    must_have_tasks(settings, app.extensions[EXTENSION].catalog)
    init_logs(app, settings)
    health.init_metrics(app)
    init_texts(app)
    init_assets(app)
    init_errors(app)
    init_gate(app, settings)
    init_limits(app, settings.rate_limit_store)
    csrf = CSRFProtect(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(reports.blueprint)
    csrf.exempt(reports.blueprint)  # browsers send these by themselves
    for room in ROOMS:
        views = import_module(f"app.{room}.views")
        app.register_blueprint(views.blueprint)
        if getattr(views, "CSRF_EXEMPT", False):
            csrf.exempt(views.blueprint)
    import_module("app.cli").init_cli(app)
    import_module("app.login.people").init_people(app)
    init_proxies(app, settings.trusted_proxies)
    init_outermost(app, settings)
    return app
