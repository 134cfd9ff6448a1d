"""Stripe. The one module that imports stripe; what leaves it are plain dicts (`to_dict()`)."""

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, TypeVar, cast

import stripe
from pydantic import SecretStr
from stripe import RequestOptions
from stripe.params import RefundCreateParams

from app.errors import StripeDownError, StripeRefusedError
from app.gateways.session_request import SessionRequest, create_params
from app.settings import Settings

API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 10
RETRIES = 2
RATE_LIMIT_RETRIES = 3
TOLERANCE_S = 300
# A whole address's history in one list call, page by page; the bound keeps a page view finite.
MAX_HISTORY = 2_000
A_PAGE = 100  # the most that Stripe gives
T = TypeVar("T")
RefundReason = Literal["duplicate", "requested_by_customer"]

SESSION_EXPAND = ["payment_intent.latest_charge.refunds"]
CONFLICT = 409
SERVER_ERROR = 500


class BadSignatureError(ValueError):
    """A webhook that Stripe did not sign, or that is too old or from the future."""


class NoSuchSessionError(StripeRefusedError):
    """Stripe does not know this Checkout Session."""


class NoSuchEventError(StripeRefusedError):
    """Stripe does not know this event, or not any more: it lists those of the last 30 days."""


class StripeFailedError(StripeDownError):
    """Stripe answered with its own failure; under the same idempotency key it would say so again (P2)."""


class StripeGateway:
    """Calls to Stripe with a pinned version, timeouts and bounded retries.

    Refunds are made with a key of their own, which only the worker has; the other one can't make any (AC-S09).
    """

    def __init__(self, settings: Settings) -> None:
        """Open a client; nothing is sent yet."""
        stripe.enable_telemetry = False
        self.live = settings.live
        self._secrets = settings.webhook_secrets
        self._client = _client(settings, settings.stripe_api_key)
        self._refunder = _client(settings, settings.refund_key)

    def create_session(self, wanted: SessionRequest) -> dict[str, Any]:
        """Make a Checkout Session; the attempt's id is the idempotency key, so a repeat returns the same one.

        Raises StripeDownError where it is not known whether there is a session now (repeat the same attempt),
        StripeFailedError or StripeRefusedError where only another attempt can help.
        """
        params = create_params(wanted)
        return _call(
            lambda: self._client.v1.checkout.sessions.create(
                params=params, options={"idempotency_key": f"session-{wanted.attempt_id}"}
            ).to_dict()
        )

    def retrieve_session(self, session_id: str, *, patient: bool = True) -> dict[str, Any]:
        """Read a Checkout Session with its PaymentIntent, latest charge and that charge's newest refunds.

        A charge that the card holder disputes also carries `disputes`, newest first: a charge has a flag only. Not
        `patient`: somebody waits for the page and will ask again, so nothing is retried.
        """
        options: RequestOptions = {} if patient else {"max_network_retries": 0}
        session = _call(
            lambda: self._client.v1.checkout.sessions.retrieve(
                session_id, params={"expand": SESSION_EXPAND}, options=options
            ).to_dict()
        )
        intent = session.get("payment_intent") or {}
        charge = intent.get("latest_charge") or {}
        if charge.get("disputed"):
            charge["disputes"] = self.disputes_of_intent(intent["id"])
        return session

    def expire_session(self, session_id: str) -> None:
        """Close an open Checkout Session; raises StripeRefusedError where it is not open any more."""
        _call(lambda: self._client.v1.checkout.sessions.expire(session_id).to_dict())

    def disputes_of_intent(self, payment_intent_id: str) -> list[dict[str, Any]]:
        """List the disputes of a PaymentIntent, newest first."""
        listed = _call(
            lambda: self._client.v1.disputes.list(params={"payment_intent": payment_intent_id, "limit": 100}).to_dict()
        )
        return list(listed["data"])

    def refunds_of_intent(self, payment_intent_id: str) -> list[dict[str, Any]]:
        """List the refunds of a PaymentIntent, newest first."""
        listed = _call(
            lambda: self._client.v1.refunds.list(params={"payment_intent": payment_intent_id, "limit": 100}).to_dict()
        )
        return list(listed["data"])

    def create_refund(
        self, payment_intent_id: str, amount: int, reason: RefundReason, metadata: dict[str, str], *, key: str
    ) -> str:
        """Send `amount` yen of a payment back; returns the refund's id. `key` is the idempotency key of this one try.

        Stripe asks a konbini payer for a bank account by mail to the address of the billing details: whoever paid gets
        the money, so no other address is given (https://docs.stripe.com/payments/konbini/accept-a-payment).
        Raises StripeDownError (not known whether there is a refund now: repeat under the same key), StripeFailedError
        (this key is used up: look at the charge's refunds before another try) and StripeRefusedError.
        """
        params: RefundCreateParams = {
            "payment_intent": payment_intent_id,
            "amount": amount,
            "reason": reason,
            "metadata": metadata,
        }
        return _call(lambda: self._refunder.v1.refunds.create(params=params, options={"idempotency_key": key}).id)

    def sessions_of_intent(self, payment_intent_id: str) -> list[dict[str, Any]]:
        """List the Checkout Sessions of a PaymentIntent (one, where it came from Checkout)."""
        listed = _call(
            lambda: self._client.v1.checkout.sessions.list(
                params={"payment_intent": payment_intent_id, "limit": 1}
            ).to_dict()
        )
        return list(listed["data"])

    def sessions_of_email(self, email: str) -> list[dict[str, Any]]:
        """List the Checkout Sessions of an address, newest first, all pages.

        Stripe matches the address exactly as typed at the Checkout, so only the canonical form, which we hand
        over ourselves, is asked for. This filter does not see sessions that are still open (inferred).
        """

        def read() -> list[dict[str, Any]]:
            # Somebody waits for it, and there is the ledger to fall back on: the first page is not retried.
            pages = self._client.v1.checkout.sessions.list(
                params={"customer_details": {"email": email}, "limit": 100},
                options={"max_network_retries": 0},
            ).auto_paging_iter()
            found = [s.to_dict() for _, s in zip(range(MAX_HISTORY), pages, strict=False)]
            return sorted(found, key=lambda s: int(s["created"]), reverse=True)

        return _call(read)

    def list_sessions(
        self, *, since: datetime | None = None, after: str | None = None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return one page (100) of the account's Checkout Sessions, newest first, and whether there are more.

        Each is as `retrieve_session` gives it. `since`: made then or later; `after`: the session that the page before
        ended with.
        """
        params: dict[str, Any] = {"limit": 100, "expand": [f"data.{field}" for field in SESSION_EXPAND]}
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        if after is not None:
            params["starting_after"] = after
        listed = _call(lambda: self._client.v1.checkout.sessions.list(params=cast("Any", params)).to_dict())
        return listed["data"], bool(listed["has_more"])

    def undelivered_events(
        self, types: Iterable[str], *, since: datetime, after: str | None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield, a page a call, the events of these types that an endpoint of ours has not taken yet.

        With `after`, an event's id: those after it, oldest first; else those since then, newest first. At most
        20 types. Raises NoSuchEventError for an `after` that Stripe does not know, StripeDownError, StripeRefusedError.
        https://docs.stripe.com/webhooks/process-undelivered-events
        """
        params: dict[str, Any] = {"delivery_success": False, "types": list(types), "limit": A_PAGE}
        params |= {"ending_before": after} if after else {"created": {"gte": int(since.timestamp())}}
        try:
            yield from _pages(self._client.v1.events.list, params, "ending_before" if after else "starting_after")
        except NoSuchSessionError as error:
            raise NoSuchEventError from error

    def balance_transactions(self, *, since: datetime, before: datetime) -> Iterator[list[dict[str, Any]]]:
        """Yield, a page a call, what moved the balance in yen in this time, newest first.

        `source` is the whole charge, refund or dispute behind it. Raises StripeDownError, StripeRefusedError.
        """
        params: dict[str, Any] = {"currency": "jpy", "limit": A_PAGE, "expand": ["data.source"]}
        params["created"] = {"gte": int(since.timestamp()), "lt": int(before.timestamp())}
        yield from _pages(self._client.v1.balance_transactions.list, params, "starting_after")

    def account(self) -> dict[str, Any]:
        """Read the account: the cheapest way to see that the key works."""
        return _call(lambda: self._client.v1.accounts.retrieve_current().to_dict())

    def missing_permissions(self) -> list[str]:
        """Return what a restricted key may not do of all that the portal does, in the words of Stripe's Dashboard.

        Each is tried on an object that can't exist, so nothing happens: Stripe looks at the key's permissions before it
        looks for the object (inferred). Raises StripeDownError, and StripeRefusedError for a key that is none.
        """
        v1 = self._client.v1
        tries: dict[str, Callable[[], object]] = {
            "Account: read": v1.accounts.retrieve_current,
            "Checkout Sessions: write": lambda: v1.checkout.sessions.expire("cs_portal_check"),
            "PaymentIntents: read": lambda: v1.payment_intents.retrieve("pi_portal_check"),
            "Charges and Refunds: read": lambda: v1.charges.retrieve("ch_portal_check"),
            "Disputes: read": lambda: v1.disputes.retrieve("dp_portal_check"),
            "Events: read": lambda: v1.events.retrieve("evt_portal_check"),
            # It includes reading balance transactions (https://docs.stripe.com/stripe-apps/reference/permissions).
            "Balance transaction sources: read": lambda: v1.balance_transactions.retrieve(
                "txn_portal_check", params={"expand": ["source"]}
            ),
        }
        return [name for name, attempt in tries.items() if not _permitted(attempt)]

    def can_refund(self, *, refund_key: bool) -> bool:
        """Tell whether the refund key, or else the other one, may send money back (see `missing_permissions`)."""
        v1 = (self._refunder if refund_key else self._client).v1
        return _permitted(lambda: v1.refunds.create(params={"payment_intent": "pi_portal_check"}))

    def verify_event(self, body: bytes, header: str, now: datetime) -> dict[str, Any]:
        """Return the event that Stripe signed; raises BadSignatureError.

        Any of the configured secrets may have signed (a secret is being rolled). The timestamp may be five
        minutes off to either side: the library itself would take one from the future (finding 3).
        """
        # Exactly one stamp: of two, the library would check one and we would look at the age of the other.
        stamps = [part for part in header.split(",") if part.partition("=")[0].strip() == "t"]
        if len(stamps) != 1 or not re.fullmatch(r"t=[0-9]{1,12}", stamps[0]):
            raise BadSignatureError("timestamp")
        if abs(int(stamps[0][2:]) - now.timestamp()) > TOLERANCE_S:
            raise BadSignatureError("clock")
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance=None)
            except (stripe.SignatureVerificationError, UnicodeDecodeError):
                continue
            return _event(body)
        raise BadSignatureError("signature")


def _client(settings: Settings, key: SecretStr) -> stripe.StripeClient:
    base = settings.stripe_api_base
    return stripe.StripeClient(
        key.get_secret_value(),
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else {},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
    )


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadSignatureError("not JSON") from error
    if (
        not isinstance(event, dict)
        or event.get("object") != "event"
        or not re.fullmatch(r"evt_[A-Za-z0-9_]{1,90}", str(event.get("id")))
        or not isinstance(event.get("type"), str)
    ):
        raise BadSignatureError("not an event")
    return event


def _pages(
    listing: Callable[..., Any], params: dict[str, Any], cursor: Literal["starting_after", "ending_before"]
) -> Iterator[list[dict[str, Any]]]:
    """Yield a list a page a call: newest first, or with `ending_before` oldest first."""
    more = True
    while more:
        listed = _call(lambda: listing(params=params).to_dict())
        page, more = listed["data"], listed["has_more"]
        if cursor == "ending_before":
            page.reverse()
        if page:
            params[cursor] = page[-1]["id"]
            yield page


def _call(call: Callable[[], T]) -> T:
    """Run a call; 429 is retried here, for the library does not."""
    for attempt in range(RATE_LIMIT_RETRIES + 1):
        with _named():
            try:
                return call()
            except stripe.RateLimitError:
                if attempt == RATE_LIMIT_RETRIES:
                    raise
        time.sleep(random.uniform(0.2, 0.6) * 2**attempt)  # noqa: S311  (jitter, not a secret)
    raise AssertionError("unreachable")


def _permitted(attempt: Callable[[], object]) -> bool:
    try:
        _call(attempt)
    except StripeRefusedError as error:
        if isinstance(error.__cause__, stripe.PermissionError):
            return False
        if not isinstance(error.__cause__, stripe.InvalidRequestError):
            raise
    return True


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeDownError from error
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NoSuchSessionError from error
        raise StripeRefusedError from error
    except stripe.IdempotencyError as error:
        # 409: the same key is at work in another request. Otherwise the key was used with other parameters.
        raise (StripeDownError if error.http_status == CONFLICT else StripeRefusedError) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise StripeRefusedError from error
    except stripe.StripeError as error:
        failed = error.http_status is not None and error.http_status >= SERVER_ERROR
        raise (StripeFailedError if failed else StripeDownError) from error
