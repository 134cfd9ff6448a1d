"""Handing a mail over: SES, SMTP or the log. All three take the same message and raise MailDownError."""

import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

import boto3
import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.errors import MailDownError
from app.kit.addresses import masked
from app.settings import Settings

TIMEOUT_S = 15
TAG = "mail"
"""Name of SES's message tag that holds our mail's id."""
log = structlog.get_logger()


class Mailer(Protocol):
    """Anything that can hand a message over."""

    def send(self, message: EmailMessage) -> None:
        """Hand one message over; raises MailDownError."""


def compose(
    *, sender: str, sender_name: str, to: str, subject: str, text: str, html: str, mail_id: str, at: datetime
) -> EmailMessage:
    """Build a message. Its Message-ID is made from the mail's own id, so a repeat can be recognised (K9)."""
    message = EmailMessage()
    message["From"] = Address(sender_name, addr_spec=sender)
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


class LogMailer:
    """Writes to the log that a mail would have gone out: for trying things, never for customers."""

    def send(self, message: EmailMessage) -> None:
        """Log masked address and subject; never the body, which can hold a login link."""
        log.info("mail.logged", to=masked(str(message["To"])), subject=str(message["Subject"]))


class SmtpMailer:
    """Sends through an SMTP server: `smtps://` with TLS from the start, `smtp://` with STARTTLS where offered."""

    def __init__(self, url: str) -> None:
        """Take `smtp://user:password@host:port`."""
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    def send(self, message: EmailMessage) -> None:
        """Hand one message over; raises MailDownError."""
        try:
            with self._connect() as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise MailDownError from error

    def _connect(self) -> smtplib.SMTP:
        if self._tls:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
        if self._login:
            server.login(*self._login)
        return server


class SesMailer:
    """Sends through Amazon SES (API v2)."""

    def __init__(self, region: str) -> None:
        """Open a client; nothing is sent yet."""
        config = Config(
            connect_timeout=5, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 3, "mode": "standard"}
        )
        self._ses = boto3.client("sesv2", region_name=region, config=config)

    def send(self, message: EmailMessage) -> None:
        """Hand one message over; raises MailDownError."""
        # SES writes a Message-ID of its own, so what it tells of a mail later names ours by this tag.
        mail_id = str(message["Message-ID"]).strip("<>").partition("@")[0]
        try:
            self._ses.send_email(
                Content={"Raw": {"Data": message.as_bytes()}}, EmailTags=[{"Name": TAG, "Value": mail_id}]
            )
        except (BotoCoreError, ClientError) as error:
            raise MailDownError from error


def make_mailer(settings: Settings) -> Mailer:
    """Return the mailer that MAIL_TRANSPORT names."""
    makers: dict[str, Callable[[], Mailer]] = {
        "log": LogMailer,
        "smtp": lambda: SmtpMailer(settings.smtp_url.get_secret_value() if settings.smtp_url else ""),
        "ses": lambda: SesMailer(settings.aws_region),
    }
    return makers[settings.mail_transport]()
