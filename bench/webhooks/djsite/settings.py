"""(d) A Django site with nothing but dj-stripe on it."""

import os
from urllib.parse import urlsplit

import stripe

_database = urlsplit(os.environ["BENCH_DATABASE_URL"])
stripe.api_base = os.environ["BENCH_STRIPE_API_BASE"]

SECRET_KEY = "bench-only-not-a-secret"  # noqa: S105  (a dummy)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "djstripe"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bench.webhooks.djsite.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path[1:],
        "USER": _database.username,
        "HOST": _database.hostname,
        "PORT": _database.port,
        "CONN_MAX_AGE": None,  # connections are kept, as in the portal's pool
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING_CONFIG = None
STRIPE_TEST_SECRET_KEY = os.environ["BENCH_STRIPE_API_KEY"]
STRIPE_LIVE_MODE = False
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
if os.environ.get("BENCH_STORE_ONLY"):
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "bench.webhooks.djsite.callback.later"
