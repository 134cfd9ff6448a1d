"""The queue of AWS's events against the real stand-in: made, filled by the bucket, emptied, its dead letters."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.gateways.queue import TRIES, Message, Queue, QueueDownError
from app.kit.ids import new_id
from app.portal import Portal
from app.settings import Settings
from tests.helpers import Sandbox, free_port, wait_for


@pytest.fixture
def queue(settings: Settings, sandbox: Sandbox) -> Iterator[Queue]:
    """Make a queue of the test's own."""
    made = Queue(settings, f"{sandbox.s3}/000000000000/test-{new_id()[:13]}")
    made.set_up(settings.s3_bucket)
    yield made
    for url in (made.url, f"{made.url}-dead"):
        made._sqs.delete_queue(QueueUrl=url)  # noqa: SLF001


def _told(queue: Queue) -> list[dict[str, Any]]:
    """Take all that is there."""
    found = []
    while messages := queue.receive(wait=0):
        for message in messages:
            found.append(json.loads(message.body))
            queue.delete(message)
    return found


def test_set_up_may_be_repeated(queue: Queue, settings: Settings) -> None:
    assert queue.set_up(settings.s3_bucket) == queue.set_up(settings.s3_bucket)
    assert queue.depths() == (0, 0)
    url, names = queue.url, ["RedrivePolicy", "Policy", "VisibilityTimeout"]
    found = queue._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]  # type: ignore[arg-type]  # noqa: SLF001
    redrive = json.loads(found["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(f"{queue.name}-dead")
    assert int(redrive["maxReceiveCount"]) == TRIES
    sent = json.loads(found["Policy"])["Statement"][0]
    assert sent["Principal"] == {"Service": "s3.amazonaws.com"}
    assert sent["Condition"]["ArnEquals"] == {"aws:SourceArn": f"arn:aws:s3:::{settings.s3_bucket}"}


def test_the_bucket_tells_of_uploads_and_of_nothing_else(portal: Portal, queue: Queue) -> None:
    storage = portal.storage
    storage.send_events_to(queue.set_up(storage.bucket))
    storage.send_events_to(queue.set_up(storage.bucket))
    wait_for(lambda: _told(queue), 40, "the message that tells of the notification itself")
    one, other = f"incoming/{new_id()}/one", f"incoming/{new_id()}/other"
    storage.put(f"orders/{new_id()}.kaiseki", b"x", "text/plain")
    storage.put(one, b"abc", "text/plain")
    upload = storage.begin_upload(other, "text/plain")
    body = {"Bucket": storage.bucket, "Key": other, "UploadId": upload, "PartNumber": 1, "Body": b"abc"}
    storage._s3.upload_part(**body, ChecksumAlgorithm="SHA256")  # type: ignore[arg-type]  # noqa: SLF001
    storage.complete_upload(other, upload, storage.parts(other, upload))
    heard: dict[str, str] = {}

    def both() -> bool:
        for message in _told(queue):
            for record in message.get("Records", []):
                heard[record["s3"]["object"]["key"]] = record["eventName"]
        return len(heard) >= 2

    wait_for(both, 40, "two events")
    assert heard == {one: "ObjectCreated:Put", other: "ObjectCreated:CompleteMultipartUpload"}
    known = storage._s3.get_bucket_notification_configuration(Bucket=storage.bucket)  # noqa: SLF001
    ours = [target for target in known["QueueConfigurations"] if target["QueueArn"].endswith(queue.name)]
    assert len(ours) == 1
    storage._s3.put_bucket_notification_configuration(Bucket=storage.bucket, NotificationConfiguration={})  # noqa: SLF001


def test_a_message_that_nobody_deletes_ends_among_the_dead(queue: Queue) -> None:
    sqs, url = queue._sqs, queue.url  # noqa: SLF001
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=url, MessageBody="?")
    seen: list[Message] = []

    def dead() -> bool:
        seen.extend(queue.receive(wait=0))
        return queue.depths()[1] == 1

    wait_for(dead, 40, "the dead letter")
    assert len(seen) == TRIES
    assert {message.id for message in seen} == {seen[0].id}
    assert queue.depths() == (0, 1)


def test_a_queue_that_is_not_there_is_an_error_with_a_name(settings: Settings, sandbox: Sandbox) -> None:
    for origin in (sandbox.s3, f"http://127.0.0.1:{free_port()}"):
        with pytest.raises(QueueDownError):
            Queue(settings, f"{origin}/000000000000/nobody-made-it").receive(wait=0)
