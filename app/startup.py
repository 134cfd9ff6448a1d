"""Is this configuration fit to start with? A table of what would be wrong, each with what to do (AC-H12, H13).

`app.settings` reads values and knows their types; here is what they must be like, alone and together. All that is
wrong is told at once. Whether the things behind the settings work is told by `flask --app wsgi portal check`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import click
from flask.helpers import get_debug_flag
from pydantic import SecretStr
from sqlalchemy import make_url

from app.catalog import Catalog
from app.kit import failpoints
from app.settings import BadSettingsError, Settings, is_live

MIN_SECRET = 32  # characters
MIN_VARIETY = 10  # different characters
_DUMMY = re.compile(r"demo|test|dummy|example|sample|secret|change.?me|password|default", re.IGNORECASE)
_REPEATED = re.compile(r"(.{1,24}?)\1+.{0,3}")
_KEY = re.compile(r"[sr]k_(test|live)_\w+")
_QUEUE = re.compile(r"https?://[^/]+/\d{12}/[A-Za-z0-9_-]{1,75}")
MAILBOX_PORT = 1025  # of the demo's mailbox


@dataclass(frozen=True)
class Rule:
    """A setting, when it is wrong, and what to do about it."""

    name: str
    wrong: Callable[[Settings], bool]
    says: str


def problems(settings: Settings) -> list[str]:
    """Return a line for everything that is wrong; secrets are named, never shown."""
    rules = ALWAYS + (PRODUCTION if settings.portal_env == "production" else ())
    return [f"{rule.name}: {rule.says}" for rule in rules if rule.wrong(settings)]


def must_be_fit(settings: Settings) -> None:
    """Raise BadSettingsError with everything that is wrong."""
    found = problems(settings)
    if found:
        raise BadSettingsError("\n".join(("The portal can't start with these settings:", *(f"  {f}" for f in found))))


def must_have_tasks(settings: Settings, catalog: Catalog) -> None:
    """Raise BadSettingsError where a product can't run on the engine that COMPUTE names."""
    without = [product.key for product in catalog.products if product.task is None]
    if settings.compute == "fargate" and without:
        raise BadSettingsError(
            f"The portal can't start: COMPUTE=fargate needs a task for every product, and {settings.catalog}"
            f" has none for {', '.join(without)}"
        )


def must_have_refund_key(settings: Settings) -> None:
    """Raise BadSettingsError in a worker that could send nothing back; web servers do without this key (AC-S09)."""
    if settings.portal_env == "production" and settings.stripe_refund_key is None:
        raise BadSettingsError(
            "The worker can't start: STRIPE_REFUND_KEY is missing; in production refunds need a key of their own"
        )


def monotonous(secret: str) -> bool:
    """Tell whether a secret is a repetition, or of few different characters."""
    return len(set(secret)) < MIN_VARIETY or bool(_REPEATED.fullmatch(secret))


def _key_guessable(key: str) -> bool:
    return monotonous(key) or bool(_DUMMY.search(key))


def _refund_key_unfit(settings: Settings) -> bool:
    key = settings.stripe_refund_key
    return key is not None and (not _KEY.fullmatch(key.get_secret_value()) or is_live(key) != settings.live)


def _webhook_secrets_malformed(settings: Settings) -> bool:
    # stripe-python before 15.6 accepted an empty secret, so anybody could forge a paid event (finding 2).
    return not all(s.startswith("whsec_") and s == s.strip() and len(s) >= MIN_SECRET for s in settings.webhook_secrets)


def _here(url: str | None) -> bool:
    """Tell whether an address is this machine's own, where the demo's stand-ins are."""
    host = urlsplit(url or "").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _mailbox(url: SecretStr | None) -> bool:
    address = url.get_secret_value() if url else None
    return _here(address) and urlsplit(address or "").port == MAILBOX_PORT


def _sqlite(settings: Settings) -> bool:
    return make_url(settings.database_url.get_secret_value()).get_backend_name() == "sqlite"


def _development_server(_settings: Settings) -> bool:
    # `flask run` is the one command that serves; all others are welcome in production.
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name == "run"


ALWAYS = (
    Rule(
        "SECRET_KEY",
        lambda s: any(len(key.strip()) < MIN_SECRET for key in s.keys),
        f"it and each of SECRET_KEY_FALLBACKS needs at least {MIN_SECRET} characters",
    ),
    Rule(
        "STRIPE_API_KEY",
        lambda s: not _KEY.fullmatch(s.stripe_api_key.get_secret_value()),
        "needs a Stripe secret or restricted key (sk_ or rk_)",
    ),
    Rule(
        "STRIPE_REFUND_KEY",
        _refund_key_unfit,
        "needs a Stripe restricted key (rk_) of the same mode, test or live, as STRIPE_API_KEY",
    ),
    Rule(
        "STRIPE_WEBHOOK_SECRETS",
        _webhook_secrets_malformed,
        f"needs one or more secrets, comma-separated, each whsec_... with {MIN_SECRET} characters",
    ),
    Rule("SMTP_URL", lambda s: s.mail_transport == "smtp" and s.smtp_url is None, "MAIL_TRANSPORT=smtp needs it"),
    Rule("ECS_CLUSTER", lambda s: s.compute == "fargate" and not s.ecs_cluster, "COMPUTE=fargate needs it"),
    Rule("ECS_SUBNETS", lambda s: s.compute == "fargate" and not s.ecs_subnets, "COMPUTE=fargate needs one or more"),
    Rule(
        "ECS_SECURITY_GROUPS",
        lambda s: s.compute == "fargate" and not s.ecs_security_groups,
        "COMPUTE=fargate needs one or more; deploy/fargate.yaml makes one that lets nobody in",
    ),
    Rule(
        "S3_EVENTS_QUEUE_URL",
        lambda s: s.s3_events_queue_url is not None and not _QUEUE.fullmatch(s.s3_events_queue_url),
        "needs a queue's URL such as https://sqs.ap-northeast-1.amazonaws.com/123456789012/portal-events",
    ),
    Rule(
        "FAILPOINT",
        lambda s: s.failpoint is not None and s.portal_env != "test",
        "it makes the portal fail on purpose; only PORTAL_ENV=test has it",
    ),
    Rule(
        "FAILPOINT",
        lambda s: s.failpoint is not None and not failpoints.FORM.fullmatch(s.failpoint),
        "needs name:kill9, name:raise or name:sleep, with :n for the n-th passage, or @file",
    ),
    Rule(
        "STRIPE_API_KEY",
        lambda s: s.portal_env == "demo" and s.live,
        "a live key in the demo would take real money; use a test key",
    ),
)
PRODUCTION = (
    Rule("PUBLIC_URL", lambda s: not s.secure, "must be https in production"),
    Rule("PUBLIC_URL", lambda s: _here(s.public_url), "is this machine's own address, which no customer reaches"),
    Rule(
        "SECRET_KEY",
        lambda s: any(_key_guessable(key) for key in s.keys),
        "it or one of SECRET_KEY_FALLBACKS is a dummy or easy to guess; make one with:"
        ' python -c "import secrets; print(secrets.token_hex(32))"',
    ),
    Rule("STRIPE_API_KEY", lambda s: not s.live, "a test key takes no money; use a live key (rk_live_... is best)"),
    Rule(
        "STRIPE_REFUND_KEY",
        lambda s: s.stripe_refund_key == s.stripe_api_key,
        "is STRIPE_API_KEY; give each a restricted key of its own, and refunds to this one only",
    ),
    Rule(
        "STRIPE_WEBHOOK_SECRETS",
        lambda s: any(monotonous(secret.removeprefix("whsec_")) for secret in s.webhook_secrets),
        "one of them is a dummy: take the signing secret of the endpoint from Stripe's Dashboard",
    ),
    Rule("STRIPE_API_BASE", lambda s: s.stripe_api_base is not None, "must be empty: production asks Stripe itself"),
    Rule("ECS_ENDPOINT_URL", lambda s: s.ecs_endpoint_url is not None, "must be empty: production asks AWS itself"),
    Rule("S3_ENDPOINT_URL", lambda s: _here(s.s3_endpoint_url), "is the demo's object store; leave it empty for AWS"),
    Rule(
        "S3_EVENTS_QUEUE_URL",
        lambda s: _here(s.s3_events_queue_url),
        "is the demo's queue; use one of Amazon SQS, or leave it empty",
    ),
    Rule(
        "S3_PUBLIC_URL",
        lambda s: not s.object_store_origin.startswith("https://"),
        "browsers must reach the object store over https",
    ),
    Rule("SMTP_URL", lambda s: s.mail_transport == "smtp" and _mailbox(s.smtp_url), "is the demo's mailbox"),
    Rule("MAIL_FROM", lambda s: s.mail_from.rstrip(">").endswith(".example"), "is the sample's; use one of yours"),
    Rule("CLOCK_FILE", lambda s: s.clock_file is not None, "moves the portal's clock; production has the machine's"),
    Rule("FLASK_DEBUG", lambda _: get_debug_flag(), "debug pages show secrets; unset it"),
    Rule("flask run", _development_server, "is for development; serve with granian (README)"),
    Rule(
        "RATE_LIMIT_STORE",
        lambda s: s.rate_limit_store == "memory://" and s.web_workers > 1,
        "memory:// is counted by each of the WEB_WORKERS for itself; use database://",
    ),
    Rule(
        "DATABASE_URL",
        lambda s: s.machines > 1 and _sqlite(s),
        "SQLite is for one machine, and MACHINES says there are more; use PostgreSQL",
    ),
)
