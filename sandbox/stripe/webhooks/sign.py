"""The Stripe-Signature header (https://docs.stripe.com/webhooks#verify-manually)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence


def header(payload: str, secrets: Sequence[str], timestamp: int) -> str:
    """Sign the payload with every secret: `t=<unix>,v1=<hex>[,v1=<hex>]`."""
    signed = f"{timestamp}.{payload}".encode()
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])
