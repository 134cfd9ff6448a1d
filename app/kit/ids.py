"""Identifiers and secrets that nobody can guess."""

import hashlib
import secrets
import uuid


def new_id() -> str:
    """Return a random UUID (version 4) in its 36-character form; an OrderID is one of these."""
    return str(uuid.uuid4())


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in the form that `new_id` writes."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def new_secret() -> str:
    """Return 256 random bits, safe in a URL and in a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret in hex: what is stored instead of the secret (AC-L10)."""
    return hashlib.sha256(secret.encode()).hexdigest()
