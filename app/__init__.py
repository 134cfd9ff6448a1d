"""Kaiseki Portal: `create_app` puts the rooms together."""

from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from app.kit import failpoints
from app.portal import EXTENSION, build_portal
from app.settings import Settings, load_settings
from app.web import health
from app.web.assets import init_assets
from app.web.errors import init_errors
from app.web.headers import init_headers
from app.web.limits import limiter
from app.web.logs import init_logs
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
    "legal",
)
MAX_BODY = 64 * 1024  # bytes; files never pass through here (AC-H08)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application; raises BadSettingsError or BadCatalogError with a clear text."""
    settings = settings or load_settings()
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
        RATELIMIT_STORAGE_URI=settings.rate_limit_store,
        RATELIMIT_ENABLED=settings.portal_env != "test",
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    failpoints.arm(settings.failpoint)
    app.extensions[EXTENSION] = build_portal(settings)
    init_logs(app, settings)
    health.init_metrics(app)
    init_texts(app)
    init_assets(app)
    init_headers(app, settings)
    init_errors(app)
    limiter.init_app(app)
    csrf = CSRFProtect(app)
    app.register_blueprint(health.blueprint)
    for room in ROOMS:
        views = import_module(f"app.{room}.views")
        app.register_blueprint(views.blueprint)
        if getattr(views, "CSRF_EXEMPT", False):
            csrf.exempt(views.blueprint)
    import_module("app.cli").init_cli(app)
    import_module("app.login.people").init_people(app)
    return app
