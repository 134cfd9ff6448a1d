"""Errors in Stripe's shape."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any


class ApiError(Exception):
    """A refusal that Stripe would answer as `{"error": {...}}`.

    `replayable` says whether an Idempotency-Key keeps it: Stripe saves what happened once the endpoint
    had started, never a request that failed validation or met a conflict
    (https://docs.stripe.com/api/idempotent_requests). `unknown` says that the stand-in, not Stripe, may be at
    fault: it does not know what was asked, or the pinned SDK's contract does not.
    """

    status = 400
    type = "invalid_request_error"
    replayable = False

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.unknown = unknown

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        error = {"type": self.type, "message": self.message, "code": self.code, "param": self.param}
        return {"error": {key: value for key, value in error.items() if value is not None}}


class InvalidRequestError(ApiError):
    """The request breaks a rule of its parameters."""


class StateError(ApiError):
    """The request is well formed, but the object's state does not allow it."""

    replayable = True


class AuthenticationError(ApiError):
    """No key, or not one of this account's test keys."""

    status = 401


class PermissionDeniedError(ApiError):
    """The key may not do this."""

    status = 403


class RateLimitError(ApiError):
    """Too many calls in a second; `reason` goes into the header Stripe-Rate-Limited-Reason."""

    status = 429

    def __init__(self, reason: str) -> None:
        super().__init__(
            "Testmode request rate limit exceeded, the rate limits in testmode are lower than livemode. "
            "You can learn more about rate limits here https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )
        self.reason = reason


class NotFoundError(ApiError):
    """No such object or no such URL."""

    status = 404


class IdempotencyError(ApiError):
    """The key was used before with other parameters."""

    type = "idempotency_error"


class ConflictError(ApiError):
    """A request with the same key is still running."""

    status = 409
    type = "idempotency_error"


class CardDeclinedError(ApiError):
    """The card was declined; `code` says why."""

    status = 402
    type = "card_error"
    replayable = True


def refuse(message: str, param: str, code: str | None = None) -> InvalidRequestError:
    """Make the refusal of one parameter."""
    return InvalidRequestError(message, param=param, code=code)


def not_implemented(what: str, param: str) -> InvalidRequestError:
    """Make the refusal of what Stripe knows and the stand-in does not: ignoring it would be a lie."""
    message = f"The Stripe stand-in does not implement {what} (Stripe itself knows it)."
    return InvalidRequestError(message, param=param, unknown=True)


def refuse_unknown(params: Iterable[str], known: Collection[str], where: str = "") -> None:
    """Refuse the first parameter that the stand-in does not implement."""
    for name in params:
        if name not in known:
            path = f"{where}[{name}]" if where else name
            raise not_implemented(path, path)
