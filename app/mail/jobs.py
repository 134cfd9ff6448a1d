"""The job that sends one mail of the outbox.

A worker killed after the mail server took the mail, and before the row says so, sends it once more: the
repeat has the same Message-ID, so a mail program can show it once (K9). Nothing can close that gap; a
lost mail would be worse.
"""

from dataclasses import dataclass
from datetime import timedelta

import css_inline
import structlog
from flask import render_template
from flask_babel import force_locale

from app.gateways.mailer import compose
from app.jobs import StepFailedError, job, next_key, step
from app.kit.failpoints import fail_point
from app.mail.letters import LETTERS, NotNeededError
from app.mail.service import job_of
from app.models import Mail
from app.portal import portal

log = structlog.get_logger()

# The style element stays as well, for what can't stand in an attribute: dark colours and narrow screens.
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


@dataclass(frozen=True)
class Rendered:
    """A mail as people read it."""

    subject: str
    text: str
    html: str


# While the mail server is down (M1) a mail is tried again: as long after the last time as it is old.
SHORTEST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP = timedelta(days=3)


@job("mail.send")
def send(mail_id: str) -> None:
    """Render and hand over one mail; the row is "failed" with the error until it is sent, or for good in the end."""
    try:
        step(lambda: _send(mail_id), name="send", attempts=4)
    except StepFailedError:
        step(lambda: _try_later(mail_id), name="try_later")


@job("mail.login")
def send_login(mail_id: str) -> None:
    """Send a login mail, on a queue of its own: somebody waits for it, and receipts that wait don't go first (M2)."""
    send(mail_id)


def _try_later(mail_id: str) -> None:
    with portal.database.transaction() as session:
        mail = session.get(Mail, mail_id)
        age = portal.clock() - mail.created_at if mail else GIVE_UP
        if mail and age < GIVE_UP:
            wait = min(max(age, SHORTEST_WAIT), LONGEST_WAIT)
            portal.jobs.enqueue(session, job_of(mail.kind), mail_id, key=next_key(), delay=wait)


def _send(mail_id: str) -> str:
    with portal.database.transaction() as session:
        mail = session.get(Mail, mail_id)
    if mail is None:
        return "forgotten"  # with its order: retention, or the customer's wish
    if mail.state in {"sent", "dropped"}:
        return mail.state
    if mail.expires_at is not None and mail.expires_at <= portal.clock():
        return _mark(mail_id, state="dropped")
    try:
        rendered = render(mail)
        portal.mailer.send(
            compose(
                sender=portal.settings.mail_from,
                sender_name=portal.catalog.portal.name(mail.locale),
                to=mail.to,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                mail_id=mail.id,
                at=portal.clock(),
            )
        )
    except NotNeededError:
        return _mark(mail_id, state="dropped")
    except Exception as error:
        # Kept where staff can see it; the next try, if there is one, overwrites it.
        _mark(mail_id, state="failed", error=f"{type(error).__name__}: {error.__cause__ or error}"[:1000])
        raise
    fail_point("mail.after_accept")
    kept = LETTERS[mail.kind].kept
    return _mark(
        mail_id,
        state="sent",
        sent_at=portal.clock(),
        error=None,
        subject=rendered.subject if kept else None,
        text=rendered.text if kept else None,
    )


def render(mail: Mail) -> Rendered:
    """Render a mail in its own language; raises NotNeededError when there is nothing to say any more."""
    with portal.database.transaction() as session, force_locale(mail.locale):
        context = {
            **LETTERS[mail.kind].context(session, mail),
            "seller": portal.catalog.seller.name(mail.locale),
            "support_email": portal.catalog.portal.support_email,
            "portal_url": portal.settings.public_url,
        }
        folder = f"mail/{mail.kind}"
        subject = " ".join(render_template(f"{folder}/subject.txt", **context).split())
        text = render_template(f"{folder}/body.txt", **context).strip() + "\n"
        html = _INLINER.inline(render_template(f"{folder}/body.html", subject=subject, **context))
    return Rendered(subject, text, html)


def _mark(mail_id: str, *, state: str, **columns: object) -> str:
    with portal.database.transaction() as session:
        mail = session.get_one(Mail, mail_id)
        mail.state = state
        for name, value in columns.items():
            setattr(mail, name, value)
    return state
