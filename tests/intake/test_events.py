"""The object store's own word that a file has come: the second road to the confirmation."""

import json
from typing import Any

import pytest

import app.intake.events  # noqa: F401  (declares its handler, as a worker does)
from app.events import AwsEvent, Consumer, UnknownMessageError, read
from app.gateways.queue import Message, Queue
from tests.helpers import wait_for
from tests.intake.conftest import OpenHouse
from tests.intake.house import House
from tests.intake.shopper import CSV, form_of, key_of, send_form
from tests.intake.test_grants import LARGE

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def _message(body: Any) -> Message:
    return Message("m1", body if isinstance(body, str) else json.dumps(body), "receipt")


def _record(name: str, key: str, **more: Any) -> dict[str, Any]:
    told = {"bucket": {"name": "b"}, "object": {"key": key, "size": 1}}
    return {"eventSource": "aws:s3", "eventName": name, "s3": told, **more}


def test_both_shapes_of_s3_say_the_same() -> None:
    """Straight from S3 keys are encoded as in a URL, by way of EventBridge they are not."""
    keys = ("incoming/a+b%E3%81%82%2B.csv", "incoming/a bあ+.csv")
    straight = read(_message({"Records": [_record("ObjectCreated:Post", keys[0])]}))
    bridged = {"bucket": {"name": "b"}, "object": {"key": keys[1]}, "reason": "CompleteMultipartUpload"}
    by_bridge = read(_message({"id": "e1", "detail-type": "Object Created", "source": "aws.s3", "detail": bridged}))
    assert [(event.kind, event.detail["object"]["key"]) for event in straight + by_bridge] == [
        ("Object Created", keys[1]),
        ("Object Created", keys[1]),
    ]
    assert straight[0].id == "m1-0"
    assert by_bridge == [AwsEvent("e1", "Object Created", bridged)]


def test_a_message_may_hold_several_events_or_none() -> None:
    several = [_record("ObjectCreated:Put", "incoming/x"), _record("ObjectCreated:CompleteMultipartUpload", "y")]
    assert [event.id for event in read(_message({"Records": several}))] == ["m1-0", "m1-1"]
    assert read(_message({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "1",
        {},
        {"Records": 1},
        {"Records": [{}]},
        {"Records": [_record("ObjectRemoved:Delete", "x")]},
        {"Records": [_record("ObjectCreated:Put", "x", eventSource="aws:else")]},
        {"Records": [{**_record("ObjectCreated:Put", "x"), "s3": {"bucket": {"name": "b"}}}]},
        {"detail-type": "Object Created"},
        {"id": "e", "detail-type": "Object Created", "detail": "text"},
    ],
)
def test_what_can_t_be_understood_is_said_to_be_so(body: Any) -> None:
    with pytest.raises(UnknownMessageError):
        read(_message(body))


def test_what_nobody_understands_is_left_for_the_dead_letters(open_house: OpenHouse) -> None:
    house = open_house()
    house.queue._sqs.set_queue_attributes(QueueUrl=house.queue.url, Attributes={"VisibilityTimeout": "0"})  # noqa: SLF001
    for body in ("no JSON", json.dumps({"id": "e", "detail-type": "Something New", "detail": {}})):
        house.queue._sqs.send_message(QueueUrl=house.queue.url, MessageBody=body)  # noqa: SLF001
    with house.worker():
        wait_for(lambda: house.queue.depths() == (0, 2), 40, "two dead letters")


def _create_event(house: House, grant: dict[str, Any], **changes: Any) -> Message:
    detail = {"bucket": {"name": house.portal.storage.bucket}, "object": {"key": key_of(house.portal, grant)}}
    return _message({"id": "e1", "detail-type": "Object Created", "detail": {**detail, **changes}})


def test_an_event_that_comes_twice_is_one_job(open_house: OpenHouse) -> None:
    house = open_house(events=False)
    shopper = house.shopper()
    grant = shopper.upload(CSV)
    with pytest.MonkeyPatch.context() as patch:
        gone: list[Message] = []
        consumer = _consumer(house, patch, gone)
        for _ in range(2):
            consumer.take(_create_event(house, grant))
    assert len(gone) == 2
    assert len(house.jobs("intake.confirm", grant["order_id"])) == 1


def _consumer(house: House, patch: pytest.MonkeyPatch, gone: list[Message]) -> Consumer:
    """Give a consumer whose queue keeps what it is told to delete."""
    patch.setattr(Queue, "delete", lambda _self, message: gone.append(message))
    queue = Queue(house.portal.settings, "http://127.0.0.1:1/000000000000/none")
    return Consumer(house.flask, house.portal, queue)


@pytest.mark.parametrize(
    "changes",
    [
        {"bucket": {"name": "somebody-else"}},
        {"object": {"key": "results/x.zip"}},
        {"object": {"key": f"incoming/{ID}/unknown"}},
        {"object": {"key": "incoming/../../x"}},
    ],
)
def test_an_event_about_nothing_of_ours_changes_nothing(open_house: OpenHouse, changes: dict[str, Any]) -> None:
    house = open_house(events=False)
    grant = house.shopper().upload(CSV)
    with pytest.MonkeyPatch.context() as patch:
        gone: list[Message] = []
        _consumer(house, patch, gone).take(_create_event(house, grant, **changes))
    assert len(gone) == 1
    assert house.jobs("intake.confirm", grant["order_id"]) == []


def test_a_message_is_kept_while_the_database_is_away(open_house: OpenHouse) -> None:
    house = open_house(events=False)
    grant = house.shopper().upload(CSV)
    with pytest.MonkeyPatch.context() as patch:
        gone: list[Message] = []
        consumer = _consumer(house, patch, gone)
        message = _create_event(house, grant)
        patch.setattr(house.portal.jobs.__class__, "enqueue", _away)
        consumer.take(message)
        assert gone == []


def _away(*_: Any, **__: Any) -> None:
    raise OSError("the database is away")


def test_a_tab_that_was_closed_before_it_could_confirm(open_house: OpenHouse) -> None:
    """The file was sent and nobody said so: S3 does, and the order is analysed all the same."""
    house = open_house()
    shopper = house.shopper()
    grant = shopper.upload(CSV)
    with house.worker():
        signed = shopper.sign_whole(grant)
        assert send_form(signed["url"], signed["fields"], CSV)[0] == 201
        wait_for(lambda: house.order(grant["order_id"]).state == "analysed", 60, "the analysis")
    order = house.order(grant["order_id"])
    assert (order.size, order.sha256, order.scan) == (len(CSV), grant["sha256"], "unscanned")
    assert house.history(order.id).count("work.uploaded") == 1
    assert house.queue.depths() == (0, 0)
    assert shopper.confirm(grant).status_code == 200


def test_without_javascript_nobody_has_to_press_the_second_button(open_house: OpenHouse) -> None:
    house = open_house()
    shopper = house.shopper()
    where = shopper.order_plainly().headers["Location"]
    with house.worker():
        url, fields = form_of(shopper.client.get(where).text)
        assert send_form(url, fields, CSV)[0] == 303
        wait_for(lambda: house.order(where.rsplit("/", 1)[-1]).state == "analysed", 60, "the analysis")


def test_what_is_not_the_declared_file_is_not_confirmed_by_an_event(open_house: OpenHouse) -> None:
    house = open_house()
    grant = house.shopper().upload(CSV)
    with house.worker():
        house.portal.storage.put(key_of(house.portal, grant), b"short", "text/plain")
        wait_for(lambda: house.jobs("intake.confirm", grant["order_id"]) == ["SUCCESS"], 60, "the look")
    assert house.order(grant["order_id"]).state == "waiting"
    assert list(house.portal.storage.list("incoming/")) == []


def test_a_large_file_waits_for_the_browser_s_own_word(open_house: OpenHouse) -> None:
    """Its event comes of the confirmation, which is freezing the file: another copy at once would be for nothing."""
    house = open_house()
    shopper = house.shopper()
    grant = shopper.upload(LARGE)
    with house.worker():
        for number in (1, 2):
            shopper.send_part(grant, LARGE, number)
        assert shopper.confirm(grant).status_code == 200
        wait_for(lambda: house.order(grant["order_id"]).scan or house.order(grant["order_id"]).reason, 60, "the look")
    assert house.jobs("intake.confirm", grant["order_id"]) in ([], ["DELAYED"])
