"""Errors in Stripe's shape."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any


class ApiError(Exception):
    """A refusal that Stripe would answer as `{"error": {...}}`.

    `replayable` says whether an Idempotency-Key keeps it: Stripe saves what happened once the endpoint
    had started, never a request that failed validation or met a conflict (stripe.md 4).
    """

    status = 400
    type = "invalid_request_error"
    replayable = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param

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
    """No key, or not a test key."""

    status = 401


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


def refuse_unknown(params: Iterable[str], known: Collection[str], where: str = "") -> None:
    """Refuse what Stripe knows and the stand-in does not: ignoring it would be a lie."""
    for name in params:
        if name not in known:
            path = f"{where}[{name}]" if where else name
            raise refuse(f"The Stripe stand-in does not implement {path} (Stripe itself knows it).", path)
