"""`portal check`: is this configuration fit to sell with? What spoils a release day shows on the first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.catalog import Offer, Product
from app.errors import PortalError, StorageDownError, StripeDownError
from app.gateways.queue import QueueDownError
from app.gateways.storage import NoSuchObjectError
from app.kit.money import yen
from app.portal import portal
from app.web.texts import LOCALES

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
PLACEHOLDERS = ("見本", "mihon", "sample", "-0000", ".example")  # of the sample catalog.toml, in lower case
MOBILE = ("050", "070", "080", "090", "0120", "0800")


@dataclass(frozen=True)
class Line:
    """One finding: what was looked at, and where it is not ok, what to do."""

    level: Literal["ok", "warn", "fail"]
    text: str


def findings() -> Iterator[Line]:
    """Look at everything; each finding comes as soon as it is known."""
    for product in portal.catalog.products:
        for offer in portal.catalog.offers(product.price):
            yield _offer(product, offer)
    yield _database()
    yield from _storage()
    yield from _uploads()
    yield from (Line(level, text) for level, text in portal.compute.check())
    for look in (_mode, _webhooks, _mail):
        yield look()
    yield from _stripe()
    yield from _refunds()
    yield from _legal()


def _offer(product: Product, offer: Offer) -> Line:
    method = offer.method
    text = (
        f"{product.key} by {method.key}: price {yen(offer.price, 'en')}, "
        f"customer pays {yen(offer.total, 'en')}, "
        f"Stripe keeps {yen(offer.fee, 'en')} ({offer.share:.1%} of the price)"
    )
    if offer.verdict == "refused":
        return Line("warn", f"{text}: not offered. Fair from {yen(offer.available_from, 'en')}.")
    if offer.verdict == "warn":
        return Line("warn", f"{text}: offered, but more than warn_above = {method.warn_above:.0%}.")
    return Line("ok", text)


def _database() -> Line:
    try:
        with portal.database.engine.connect() as connection:
            here = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return Line("fail", f"database: can't be reached ({type(error).__name__}). Check DATABASE_URL.")
    newest = ScriptDirectory.from_config(Config(toml_file=PYPROJECT)).get_current_head()
    if here != newest:
        return Line("fail", f"database: tables are at {here}, not {newest}. Run: alembic upgrade head")
    return Line("ok", f"database: reached, tables at {here}")


def _storage() -> Iterator[Line]:
    """Look at the bucket and at each of its rules (AC-U07)."""
    storage = portal.storage
    try:
        rules = storage.look_at_rules()
    except NoSuchObjectError:
        yield Line("fail", f"object store: no bucket {storage.bucket}. Run: flask portal storage setup")
        return
    except StorageDownError:
        yield Line("fail", "object store: does not answer. Check S3_ENDPOINT_URL, AWS_REGION and credentials.")
        return
    kept = sum(state == "right" for _, state in rules)
    yield Line("ok", f"object store: bucket {storage.bucket} reached, {kept} of {len(rules)} rules as they should be")
    for rule, state in rules:
        if state != "right":
            level, text = _RULES[state]
            yield Line(level, f"object store: {rule.operation} ({rule.purpose}) {text}")


_RULES: dict[str, tuple[Literal["warn", "fail"], str]] = {
    "wrong": ("fail", "is not as it should be. Run: flask portal storage setup; on AWS deploy deploy/s3.yaml"),
    "unknown": ("warn", "is not known to this store. See to it by its own means."),
    "hidden": ("warn", "can't be looked at: our role is not allowed to. deploy/s3.yaml has what it needs."),
}


def _uploads() -> Iterator[Line]:
    """Look at what comes after an upload: the queue that tells of it, and the scanner that every file has to pass."""
    if portal.queue is None:
        yield Line(
            "warn", "uploads: no S3_EVENTS_QUEUE_URL: when a tab is closed early, finding its file takes minutes."
        )
    else:
        try:
            waiting, dead = portal.queue.depths()
        except QueueDownError:
            yield Line("fail", "uploads: the queue of events can't be reached. Run: flask portal storage setup")
        else:
            text = f"uploads: queue {portal.queue.name} reached, about {waiting} messages wait, {dead} were given up"
            yield Line("warn" if dead else "ok", text)
    uploads = portal.catalog.uploads
    if uploads.scan == "none":
        yield Line("ok", "uploads: files are not scanned for viruses")
    for product in portal.catalog.products:
        if uploads.scan == "clamd" and product.max_bytes > uploads.clamd_max_bytes:
            most = f"{uploads.clamd_max_bytes:,} bytes"
            yield Line(
                "warn", f"uploads: {product.key} takes larger files than clamd scans ({most}): they wait for staff."
            )


def _stripe() -> Iterator[Line]:
    """Look at the key, the account, and what Stripe allows it to take money with."""
    try:
        missing = portal.stripe.missing_permissions()
        account = None if "Account: read" in missing else portal.stripe.account()
    except StripeDownError:
        yield Line("fail", "Stripe: does not answer. Check STRIPE_API_BASE and the network.")
        return
    except PortalError:
        yield Line("fail", "Stripe: refuses the key. Check STRIPE_API_KEY.")
        return
    if missing:
        yield Line("fail", f"Stripe: the key lacks: {', '.join(missing)}. Edit the restricted key at Stripe.")
    if account is None:
        return
    if not account.get("charges_enabled"):
        yield Line("fail", f"Stripe: account {account['id']} may not charge yet. Finish its set-up at Stripe.")
    elif not missing:
        yield Line("ok", f"Stripe: the key works, account {account['id']}")
    yield from _capabilities(account)


def _refunds() -> Iterator[Line]:
    """Look whether the refund key sends money back, and no other key (AC-S09)."""
    settings = portal.settings
    own = settings.stripe_refund_key is not None
    try:
        worker, web = portal.stripe.can_refund(refund_key=True), portal.stripe.can_refund(refund_key=False)
    except StripeDownError:
        return  # said by _stripe
    except PortalError:
        yield Line("fail", "refunds: Stripe refuses one of the keys. Check STRIPE_REFUND_KEY and STRIPE_API_KEY.")
        return
    if own and not worker:
        yield Line("fail", "refunds: STRIPE_REFUND_KEY lacks: Charges and Refunds: write. Edit it at Stripe.")
    elif own:
        yield Line("ok", "refunds: STRIPE_REFUND_KEY can send money back")
    else:
        yield Line("warn", "refunds: no STRIPE_REFUND_KEY here. Right for a web server; the worker needs it.")
    if web:
        level: Literal["warn", "fail"] = "fail" if _selling() else "warn"
        yield Line(level, "refunds: STRIPE_API_KEY can send money back too. Give it Charges and Refunds: read only.")


def _capabilities(account: dict[str, Any]) -> Iterator[Line]:
    known = account.get("capabilities") or {}
    for method in portal.catalog.methods:
        state = known.get(f"{method.key}_payments", "not asked for")
        if state != "active":
            yield Line(
                "warn",
                f"Stripe: {method.key} is offered in {portal.settings.catalog.name}, but not active at Stripe"
                f" ({state}). Activate it there, or take it out: who chooses it can't pay.",
            )


def _mode() -> Line:
    key = "live" if portal.settings.live else "test"
    production = portal.settings.portal_env == "production"
    if portal.settings.live and not production:
        return Line("fail", f"mode: a live key in {portal.settings.portal_env} would take real money. Use a test key.")
    if production and not portal.settings.live:
        return Line("fail", "mode: production with a test key takes no money. Use a live key.")
    if production and portal.settings.stripe_api_base:
        return Line("fail", "mode: production must talk to Stripe itself. Leave STRIPE_API_BASE empty.")
    return Line("ok", f"mode: {portal.settings.portal_env} with a {key} key")


def _webhooks() -> Line:
    # Form and length were checked at the start (app.settings).
    count = len(portal.settings.webhook_secrets)
    if count > 1:
        return Line("warn", f"webhooks: {count} secrets are accepted. Remove the old one when the roll is over.")
    return Line("ok", "webhooks: one signing secret")


def _mail() -> Line:
    if portal.settings.portal_env == "production" and portal.settings.mail_transport == "log":
        return Line("fail", "mail: MAIL_TRANSPORT=log sends nothing. Use ses or smtp.")
    return Line("ok", f"mail: {portal.settings.mail_transport}, from {portal.settings.mail_from}")


def _legal() -> Iterator[Line]:
    """Look for what is missing, or still the sample's, where law and Stripe want the seller's own words."""
    catalog, name = portal.catalog, portal.settings.catalog
    level: Literal["warn", "fail"] = "fail" if _selling() else "warn"
    texts = {"portal.support_email": catalog.portal.support_email}
    for table in ("seller", "terms", "privacy"):
        texts |= _texts(table, getattr(catalog, table).model_dump())
    missing = [key for key, text in texts.items() if not text.strip()]
    sample = [key for key, text in texts.items() if any(mark in text.lower() for mark in PLACEHOLDERS)]
    if missing:
        yield Line(level, f"legal: missing in {name}: {', '.join(missing)}. The pages below /legal must show it.")
    if sample:
        yield Line(level, f"legal: still as in the sample: {', '.join(sample)}. Edit {name}.")
    if not missing and not sample:
        yield Line("ok", "legal: all details of the seller, the terms and the privacy policy are given")
    yield from _earlier_terms()
    yield from _phone()
    if not catalog.portal.invoice_number:
        yield Line("warn", "invoices: no registration number (T + 13 digits). Leave it so if you are not registered.")


def _selling() -> bool:
    return portal.settings.live or portal.settings.portal_env == "production"


def _texts(name: str, value: str | dict[str, Any]) -> dict[str, str]:
    """Return every text of a table of the catalog by its dotted name."""
    if not isinstance(value, dict):
        return {name: value}
    return {key: text for part, inner in value.items() for key, text in _texts(f"{name}.{part}", inner).items()}


def _earlier_terms() -> Iterator[Line]:
    """Look for the pages of earlier versions; without them they can't be read."""
    pages = current_app.jinja_loader
    known = set(pages.list_templates()) if pages else set()
    for terms in portal.catalog.earlier_terms:
        wanted = [f"legal/terms-{terms.version}.{language}.html" for language in LOCALES]
        lost = [page for page in wanted if page not in known]
        if lost:
            yield Line("fail", f"terms: version {terms.version} has no page {', '.join(lost)} in templates.")


def _phone() -> Iterator[Line]:
    """Stripe's review of a shop for konbini wants a land-line (app.legal.views names its page)."""
    digits = re.sub(r"[^0-9]", "", portal.catalog.seller.phone.replace("+81", "0"))
    by_konbini = any(method.key == "konbini" for method in portal.catalog.methods)
    if by_konbini and digits.startswith(MOBILE):
        yield Line("warn", "legal: seller.phone is no land-line number. Stripe wants one before it allows konbini.")
