"""All of the payer's pages, registered on one blueprint."""

from __future__ import annotations

from sandbox.stripe.payer import challenge_pages, form_pages, refund_pages, slip_pages  # noqa: F401  (they register)
from sandbox.stripe.payer.frame import blueprint

__all__ = ["blueprint"]
