"""Events that AWS puts on the portal's queue: who handles which kind, and the thread of the worker that takes them.

A room declares in `<room>/events.py` what it does about a kind with `@on`; that happens inside one transaction, and the
message is deleted after its commit, so an event may be handled twice and is never lost. What can't be understood, and
what nobody handles, is left: SQS brings it again, and in the end to its dead-letter queue.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any
from urllib.parse import unquote_plus

import structlog
from flask import Flask
from sqlalchemy.orm import Session

from app.gateways.queue import LONG_POLL_S, Message, Queue, QueueDownError
from app.portal import Portal

ROOMS_WITH_EVENTS = ("intake", "analysis", "mail")
OBJECT_CREATED = "Object Created"
TASK_CHANGED = "ECS Task State Change"
MAIL_BOUNCED = "Email Bounced"
PAUSE_S = 5.0  # while the queue or the database is away

log = structlog.get_logger()


class UnknownMessageError(ValueError):
    """A message that can't be understood, or that nobody here handles."""


@dataclass(frozen=True)
class AwsEvent:
    """One event in EventBridge's shape, whichever way it came.

    `kind` is its detail-type. `id` is the same each time that it comes.
    """

    id: str
    kind: str
    detail: dict[str, Any]


Handler = Callable[[Session, AwsEvent], None]
HANDLERS: dict[str, Handler] = {}


def on(kind: str) -> Callable[[Handler], Handler]:
    """Declare a function as what happens about a kind of event; it must bear being called twice."""

    def declare(function: Handler) -> Handler:
        HANDLERS[kind] = function
        return function

    return declare


def read(message: Message) -> list[AwsEvent]:
    """Return the events in a message; raises UnknownMessageError.

    S3 tells of a new object in one of two shapes: straight to the queue as `Records`, whose keys are encoded as in a
    URL (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html), or by way of
    EventBridge (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html), whose keys are not encoded.
    The message that it sends when the notification is made holds no event.
    """
    try:
        found = json.loads(message.body)
        if "Records" in found:
            return [_record(message, place, record) for place, record in enumerate(found["Records"])]
        if found.get("Event") == "s3:TestEvent":
            return []
        return [AwsEvent(str(found["id"]), str(found["detail-type"]), dict(found["detail"]))]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnknownMessageError(message.id) from error


def _record(message: Message, place: int, record: dict[str, Any]) -> AwsEvent:
    if record["eventSource"] != "aws:s3" or not record["eventName"].startswith("ObjectCreated:"):
        raise ValueError(record["eventName"])
    told = record["s3"]
    detail = {**told, "object": {**told["object"], "key": unquote_plus(told["object"]["key"])}}
    return AwsEvent(f"{message.id}-{place}", OBJECT_CREATED, detail)


class Consumer:
    """Takes messages off the queue and has them handled, until told to stop."""

    def __init__(self, app: Flask, here: Portal, queue: Queue) -> None:
        """Take the application whose context handlers run in."""
        self._app = app
        self._here = here
        self._queue = queue

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; a queue that is away is waited for."""
        while not stop.is_set():
            try:
                messages = self._queue.receive(LONG_POLL_S)
            except QueueDownError as error:
                log.warning("aws_events.queue_down", why=str(error.__cause__))
                stop.wait(PAUSE_S)
                continue
            for message in messages:
                self.take(message)

    def take(self, message: Message) -> None:
        """Handle one message and delete it; what fails is left on the queue, for later."""
        try:
            with self._app.app_context(), self._here.database.transaction() as session:
                for handler, event in _handled(message):
                    handler(session, event)
            self._queue.delete(message)
        except UnknownMessageError:
            log.error("aws_events.unknown", message=message.id, body=message.body[:500])  # noqa: TRY400  (not our fault)
        except Exception:
            log.exception("aws_events.left", message=message.id)


def _handled(message: Message) -> Iterator[tuple[Handler, AwsEvent]]:
    for event in read(message):
        if event.kind not in HANDLERS:
            raise UnknownMessageError(event.kind)
        yield HANDLERS[event.kind], event
