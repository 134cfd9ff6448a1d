"""Errors that have a meaning for the person at the other end. `app.web.errors` shows them."""


class PortalError(Exception):
    """Parent of all domain errors: an HTTP status and a key of the texts in `app.web.errors`.

    `field` names the form field at fault, where there is one.
    """

    status = 500
    code = "unexpected"

    def __init__(self, code: str | None = None, *, field: str | None = None) -> None:
        """Take a more exact code than the class's own, and the form field at fault."""
        super().__init__(code or self.code)
        self.code = code or self.code
        self.field = field


class NotFoundError(PortalError):
    """No such thing, or not yours: the two look the same (DESIGN, rule 10)."""

    status = 404
    code = "not_found"


class BadInputError(PortalError):
    """The customer sent something that we can't take."""

    status = 422
    code = "bad_input"


class ConflictError(PortalError):
    """The order is not in a state where this can be done."""

    status = 409
    code = "conflict"


class ExpiredLinkError(PortalError):
    """A signed link was altered or is too old."""

    status = 410
    code = "expired_link"


class TooManyError(PortalError):
    """A limit was reached; `retry_after` in seconds."""

    status = 429
    code = "too_many"

    def __init__(self, retry_after: int) -> None:
        """Say after how many seconds it can be tried again."""
        super().__init__()
        self.retry_after = retry_after


class OutsideError(PortalError):
    """A service that we depend on does not answer; trying again later is right."""

    status = 503
    code = "outside"


class StripeDownError(OutsideError):
    """Stripe did not answer, or answered with its own failure."""

    code = "stripe_down"


class StripeRefusedError(PortalError):
    """Stripe refused our request: a mistake of ours or of the configuration, never of the customer."""

    status = 502
    code = "stripe_refused"


class StorageDownError(OutsideError):
    """The object store did not answer."""

    code = "storage_down"


class MailDownError(OutsideError):
    """The mail server did not take the mail."""

    code = "mail_down"


class ComputeDownError(OutsideError):
    """Where analyses run does not answer or refuses; `reason` is what it said, for staff."""

    code = "compute_down"

    def __init__(self, reason: str) -> None:
        """Take the reason."""
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"
