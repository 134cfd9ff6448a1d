"""SES says that a mail came back: it counts as failed, and staff find it among what needs attention."""

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from app.events import MAIL_BOUNCED, AwsEvent, on
from app.gateways.mailer import TAG
from app.models import Mail

LONGEST_ERROR = 1000  # characters


class TooEarlyError(RuntimeError):
    """The mail came back before its row says that it was sent: the event must come again."""


@on(MAIL_BOUNCED)
def bounced(session: Session, event: AwsEvent) -> None:
    """Mark a mail that came back; mails of others are left alone. Raises TooEarlyError.

    The identity needs a configuration set whose events go to EventBridge (deploy/mail.yaml). The shape of its events:
    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html (the same here: inferred).
    """
    for mail_id in event.detail["mail"].get("tags", {}).get(TAG, []):
        done = session.execute(
            update(Mail)
            .where(Mail.id == mail_id, Mail.state == "sent")
            .values(state="failed", error=_why(event))
            .execution_options(synchronize_session=False)
        )
        moved = isinstance(done, CursorResult) and done.rowcount == 1
        mail = None if moved else session.get(Mail, mail_id)
        if mail is not None and mail.state == "queued":
            raise TooEarlyError(mail_id)


def _why(event: AwsEvent) -> str:
    bounce = event.detail["bounce"]
    told = [person.get("diagnosticCode") or person.get("status") for person in bounce.get("bouncedRecipients", [])]
    kind = f"{bounce.get('bounceType')}/{bounce.get('bounceSubType')}"
    return f"Bounced ({kind}): {'; '.join(filter(None, told)) or 'no reason given'}"[:LONGEST_ERROR]
