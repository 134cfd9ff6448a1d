"""Signed tokens for links in mails. Each purpose has its own salt, so that tokens can't be exchanged (AC-L25)."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Literal

from itsdangerous import BadSignature, URLSafeTimedSerializer

Purpose = Literal["pay-link"]


class BadTokenError(ValueError):
    """The token was altered, is too old, or was made for another purpose."""


class Signer:
    """Signs and reads short texts with the portal's keys; the last key signs, all keys read (AC-L26)."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys, oldest first."""
        self._keys = list(keys)

    def sign(self, purpose: Purpose, value: str) -> str:
        """Return a URL-safe token that carries the value."""
        token = URLSafeTimedSerializer(self._keys, salt=purpose).dumps(value)
        return token if isinstance(token, str) else token.decode()

    def read(self, purpose: Purpose, token: str, max_age: int) -> str:
        """Return the value of a token not older than `max_age` seconds; raises BadTokenError."""
        try:
            value = URLSafeTimedSerializer(self._keys, salt=purpose).loads(token, max_age=max_age)
        except BadSignature as error:
            raise BadTokenError(purpose) from error
        return str(value)

    def derive(self, purpose: str, value: str) -> list[bytes]:
        """Return 32 bytes for each key, newest first, that only the holder of the key can compute from the value."""
        return [
            hmac.digest(key.encode(), f"{purpose}:{value}".encode(), hashlib.sha256) for key in reversed(self._keys)
        ]
