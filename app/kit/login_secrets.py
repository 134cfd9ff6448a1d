"""The link's token, and codes to type: derived, never stored (AC-L10).

They come from the row's id and the portal's key, so the row holds only digests, and the mail job needs nothing else.
With several keys (rotation) the job takes the one whose digest the row knows. Each purpose has secrets of its own: a
code is worth nothing anywhere else (AC-L25).
"""

import base64
import hmac
import unicodedata
from dataclasses import dataclass
from typing import Literal

from app.kit.ids import digest
from app.kit.signing import Signer

# 31 symbols without 0 O 1 I L: 8 of them carry 39.6 bits, and 5 tries a request can't find one (facts, 1.2).
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8

CodePurpose = Literal["login", "address"]


@dataclass(frozen=True)
class LoginSecrets:
    """What the mail carries. `code` is written XXXX-XXXX."""

    token: str
    code: str


def derive_secrets(signer: Signer, request_id: str) -> list[LoginSecrets]:
    """Return token and code of a request for each key, newest first."""
    tokens = signer.derive("login-token", request_id)
    codes = derive_codes(signer, "login", request_id)
    return [LoginSecrets(_token(token), code) for token, code in zip(tokens, codes, strict=True)]


def derive_codes(signer: Signer, purpose: CodePurpose, row_id: str) -> list[str]:
    """Return the code of a row for each key, newest first, written XXXX-XXXX."""
    return [_code(secret) for secret in signer.derive(f"{purpose}-code", row_id)]


def secrets_of(signer: Signer, request_id: str, token_hash: str) -> LoginSecrets | None:
    """Return token and code as they were when the request was made; None when its key is gone."""
    for secrets in derive_secrets(signer, request_id):
        if hmac.compare_digest(digest(secrets.token), token_hash):
            return secrets
    return None


def code_of(signer: Signer, purpose: CodePurpose, row_id: str, stored: str) -> str | None:
    """Return the code whose digest a row knows; None when its key is gone."""
    codes = derive_codes(signer, purpose, row_id)
    return next((code for code in codes if code_matches(signer, purpose, row_id, stored, code)), None)


def code_hash(signer: Signer, purpose: CodePurpose, row_id: str, code: str) -> str:
    """Return the keyed digest that is stored for a code; a plain one of 39.6 bits could be searched."""
    return signer.derive(f"{purpose}-code-hash", f"{row_id}:{code}")[0].hex()


def code_matches(signer: Signer, purpose: CodePurpose, row_id: str, stored: str, typed: str) -> bool:
    """Tell whether what was typed is the code whose digest is stored."""
    hashes = signer.derive(f"{purpose}-code-hash", f"{row_id}:{normal_code(typed)}")
    return any(hmac.compare_digest(candidate.hex(), stored) for candidate in hashes)


def normal_code(typed: str) -> str:
    """Return a typed code as XXXX-XXXX: full width, small letters, spaces, any hyphen are forgiven."""
    symbols = [s for s in unicodedata.normalize("NFKC", typed[:40]).upper() if s.isalnum()]
    text = "".join(symbols)
    return f"{text[:4]}-{text[4:]}"


def _token(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def _code(secret: bytes) -> str:
    number = int.from_bytes(secret)
    symbols = []
    for _ in range(CODE_LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        symbols.append(ALPHABET[rest])
    return f"{''.join(symbols[:4])}-{''.join(symbols[4:])}"
