"""The queue of AWS's events (Amazon SQS): S3 says that a file has come, EventBridge that a task has stopped.

A message that is not deleted comes again after a while; after `TRIES` times the queue moves it to its dead-letter
queue, where an operator finds it. What is read out of a message: `app.events`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.errors import OutsideError
from app.gateways.storage import DEMO_KEYS
from app.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

LONG_POLL_S = 20  # the longest that SQS waits for a message
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = LONG_POLL_S + 10
AT_ONCE = 10  # messages of one call, the most that SQS gives
UNSEEN_S = 60  # how long a message that was received is kept from others
TRIES = 5
KEPT_S = 4 * 86_400
DEAD = "-dead"  # the dead-letter queue is called like the queue, with this behind it
DEAD_KEPT_S = 14 * 86_400
_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class QueueDownError(OutsideError):
    """SQS did not answer, or there is no such queue."""

    code = "queue_down"


@dataclass(frozen=True)
class Message:
    """A message: the id that it keeps however often it comes, its text, and the receipt that deletes it."""

    id: str
    body: str
    receipt: str


class Queue:
    """One queue, by its URL; its origin is where SQS answers."""

    def __init__(self, settings: Settings, url: str) -> None:
        """Open a client; nothing is sent yet."""
        self.url = url
        parts = urlsplit(url)
        self.name = parts.path.rsplit("/", 1)[-1]
        aws = (parts.hostname or "").endswith(".amazonaws.com")
        keys: dict[str, Any] = {} if settings.portal_env == "production" else DEMO_KEYS
        session = boto3.session.Session(region_name=settings.aws_region, **keys)
        self._sqs = session.client(
            "sqs",
            endpoint_url=None if aws else f"{parts.scheme}://{parts.netloc}",
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                retries={"total_max_attempts": 3, "mode": "standard"},
            ),
        )

    def receive(self, wait: int = LONG_POLL_S) -> list[Message]:
        """Wait at most `wait` seconds for messages and return up to ten; raises QueueDownError."""
        with _named():
            found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=wait)
        return [Message(m["MessageId"], m["Body"], m["ReceiptHandle"]) for m in found.get("Messages", [])]

    def delete(self, message: Message) -> None:
        """Take a message off the queue for good; raises QueueDownError."""
        with _named():
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)

    def depths(self) -> tuple[int, int]:
        """Return about how many messages wait, and how many were given up; raises QueueDownError."""
        return self._depth(self.url), self._depth(self.url + DEAD)

    def _depth(self, url: str) -> int:
        name: QueueAttributeNameType = "ApproximateNumberOfMessages"
        with _named():
            found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(found["Attributes"][name])

    def set_up(self, bucket: str) -> str:
        """Make the queue and its dead-letter queue where missing, open to a bucket's events; returns the queue's ARN.

        May be run again at any time. Raises QueueDownError.
        """
        with _named():
            dead = self._make(self.name + DEAD, {"MessageRetentionPeriod": str(DEAD_KEPT_S)})
            redrive = {"deadLetterTargetArn": dead, "maxReceiveCount": str(TRIES)}
            attributes = {
                "VisibilityTimeout": str(UNSEEN_S),
                "MessageRetentionPeriod": str(KEPT_S),
                "ReceiveMessageWaitTimeSeconds": str(LONG_POLL_S),
                "RedrivePolicy": json.dumps(redrive),
            }
            arn = self._make(self.name, attributes)
            url = self._sqs.get_queue_url(QueueName=self.name)["QueueUrl"]
            self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_policy(arn, bucket))})
        return arn

    def _make(self, name: str, attributes: dict[str, str]) -> str:
        values = cast("dict[QueueAttributeNameType, str]", attributes)
        try:
            url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            self._sqs.set_queue_attributes(QueueUrl=url, Attributes=values)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            url = self._sqs.create_queue(QueueName=name, Attributes=values)["QueueUrl"]
        return self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def _policy(queue: str, bucket: str) -> dict[str, Any]:
    """Return who may send: S3 for this bucket of this account, and EventBridge's rules of this account
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html).
    """  # noqa: D205  (the address does not fit)
    account = queue.split(":")[4]
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                **send,
                "Sid": "BucketEvents",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
                    "StringEquals": {"aws:SourceAccount": account},
                },
            },
            {
                **send,
                "Sid": "EventBridge",
                "Principal": {"Service": "events.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            },
        ],
    }


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise QueueDownError from error
