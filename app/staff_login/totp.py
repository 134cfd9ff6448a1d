"""Codes that a phone shows: a secret that portal and phone share, a QR code to carry it over, six digits every 30 s.

TOTP, RFC 6238, with what every authenticator app understands: SHA-1, six digits, 30 seconds.
"""

import base64
import re
import unicodedata
from datetime import datetime
from typing import Literal

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.kit.signing import Signer

Purpose = Literal["totp-secret", "totp-set-up"]
STEPS_APART = 1  # a phone's clock may be off by a step, and typing takes time (RFC 6238, 5.2)
_CODE = re.compile(r"\d{6}", re.ASCII)


def new_totp_secret() -> str:
    """Return 160 random bits in base32, as apps take them."""
    return pyotp.random_base32()


def qr_code(secret: str, email: str, issuer: str) -> str:
    """Return the data URI of an image that an authenticator app reads the secret from."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)
    return segno.make_qr(uri, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")


def six_digits(typed: str) -> str | None:
    """Return the digits of a typed code (full width and spaces are forgiven), or None where it is no such code."""
    text = "".join(unicodedata.normalize("NFKC", typed[:40]).split())
    return text if _CODE.fullmatch(text) else None


def step_of(secret: str, digits: str, at: datetime) -> int | None:
    """Return the time step (30 s since 1970) whose code this is, or None; a step off is forgiven.

    `at` is the machine's real time, never the demo's moved one: it is compared with the clock of a phone.
    """
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=at, valid_window=STEPS_APART)
    except pyotp.OTPVerificationError:
        return None


class Safe:
    """Keeps a secret encrypted under the portal's keys, for one purpose and owner; of another it opens nothing."""

    def __init__(self, signer: Signer, purpose: Purpose, owner: str) -> None:
        """Derive the keys, newest first."""
        keys = signer.derive(purpose, owner)
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def seal(self, secret: str) -> str:
        """Encrypt under the newest key."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str, life: int | None = None) -> str | None:
        """Return the secret, or None where no key fits, or where it was sealed over `life` seconds ago."""
        try:
            return self._fernet.decrypt(sealed.encode(), life).decode()
        except InvalidToken:
            return None
