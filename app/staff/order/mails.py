"""A mail as its reader got it."""

import re
from dataclasses import dataclass

from sqlalchemy.exc import NoResultFound

from app.mail.jobs import render
from app.mail.letters import NotNeededError
from app.models import Mail, Order

_SECRET = re.compile(r"([?&]t=)[^\s&]+")  # the signed part of a pay link: who has it may pay, and sees the preview
_HIDDEN = r"\1***"


@dataclass(frozen=True)
class Letter:
    """Subject and text of a mail; `sent`: these very words went out, else it is what would be written now."""

    subject: str
    text: str
    sent: bool


def letter_of(order: Order, mail: Mail) -> Letter | None:
    """Return a mail as it was sent, or rendered anew where its text is not kept; None where there is none any more.

    Called outside a transaction: rendering reads for itself.
    """
    if mail.text is not None:
        return Letter(mail.subject or "", _SECRET.sub(_HIDDEN, mail.text), sent=True)
    if order.erased_at is not None:
        return None
    try:
        rendered = render(mail)
    except (NotNeededError, NoResultFound, LookupError):  # it has nothing to say now, or what it was about is gone
        return None
    return Letter(rendered.subject, _SECRET.sub(_HIDDEN, rendered.text), sent=False)
