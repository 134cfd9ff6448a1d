"""Ten codes on paper that stand in for a lost phone, each of them once."""

import secrets
import unicodedata
from datetime import datetime

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from app.kit.ids import digest
from app.kit.login_secrets import ALPHABET
from app.models import RecoveryCode

COUNT = 10
# 24 of 31 symbols carry 118 bits: with 112 or more a plain digest is enough, and it outlives a change of the portal's
# key (ASVS 6.5.2).
LENGTH = 24
GROUP = 4


def renew_codes(session: Session, email: str) -> list[str]:
    """Give an address ten new codes, written XXXX-XXXX-...; the old ones are gone. Only digests are stored.

    The caller holds the lock of the member's row.
    """
    session.execute(delete(RecoveryCode).where(RecoveryCode.email == email))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT)]
    session.add_all(RecoveryCode(code_hash=digest(code), email=email) for code in codes)
    return ["-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP)) for code in codes]


def use_code(session: Session, email: str, typed: str, now: datetime) -> bool:
    """Use up a code of an address; of any number of callers at once one succeeds.

    Hyphens, spaces, small letters and full width are forgiven.
    """
    text = "".join(s for s in unicodedata.normalize("NFKC", typed[:100]).upper() if s.isalnum())
    done = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.code_hash == digest(text), RecoveryCode.email == email, RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return isinstance(done, CursorResult) and done.rowcount == 1


def codes_left(session: Session) -> dict[str, int]:
    """Return how many unused codes each address has; an address without any is not there."""
    rows = session.execute(
        select(RecoveryCode.email, func.count()).where(RecoveryCode.used_at.is_(None)).group_by(RecoveryCode.email)
    )
    return {email: count for email, count in rows}  # noqa: C416  (rows are no pairs for mypy)
