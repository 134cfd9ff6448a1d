"""A large file in parts, each signed by itself: sent, sent again, put together; nothing else is possible (AC-U01)."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.kit.clock import system_clock
from app.portal import Portal
from tests.intake.shopper import send
from tests.strict.sending import Sending, checksum, large, refused


@pytest.fixture
def sending(client: FlaskClient, email: str) -> Sending:
    return Sending(client, email, large())


def test_ac_u01_parts_are_signed_one_by_one_sent_again_and_put_together(portal: Portal, sending: Sending) -> None:
    """On both stores: the last part first, one sent twice, and the file is whole."""
    sending.send_part(2)
    sending.send_part(2)
    assert sending.arrived() == [2]
    assert sending.confirm().status_code == 409
    sending.send_part(1)
    assert sending.arrived() == [1, 2]
    assert sending.confirm().status_code == 200
    order = sending.order(portal)
    assert (order.size, order.sha256) == (len(sending.body), None)  # its checksum is known when it is looked at
    assert sending.frozen(portal) == sending.body
    assert sending.confirm().status_code == 200


def test_ac_u01_a_signed_part_is_good_for_nothing_else(portal: Portal, sending: Sending) -> None:
    """Another number, upload, key, life, length or checksum than the signed ones is refused by both stores."""
    url, headers = sending.part(1)
    piece = sending.piece(1)
    forged = [
        url.replace("partNumber=1", "partNumber=2"),
        url.replace("uploadId=", "uploadId=x"),
        url.replace("/incoming/", "/orders/"),
        re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=604800", url),
        re.sub(r"X-Amz-SignedHeaders=[^&]+", "X-Amz-SignedHeaders=host", url),
    ]
    assert url not in forged
    assert all(refused(one, piece, headers) for one in forged)
    assert all(refused(url, wrong, headers) for wrong in (piece + b"x", piece[:-1]))
    lies = {name: checksum(b"other") if "sha256" in name else value for name, value in headers.items()}
    assert lies != headers
    assert refused(url, piece, lies)
    assert send("DELETE", url)[0] == 403
    assert sending.arrived() == []
    assert send("PUT", url, piece, headers)[0] == 200


def test_ac_u01_a_signed_part_is_good_for_fifteen_minutes(portal: Portal) -> None:
    """Signed 14 minutes ago it reaches the upload, signed 16 minutes ago it is refused by both stores."""
    key = "incoming/late/part"
    upload_id = portal.storage.begin_upload(key, "application/octet-stream")
    for minutes, status in ((14, 200), (16, 403)):
        with time_machine.travel(system_clock() - timedelta(minutes=minutes)):
            url = portal.storage.sign("upload_part", key, UploadId=upload_id, PartNumber=1, ContentLength=3)
        assert send("PUT", url, b"abc")[0] == status


def test_ac_u03_a_file_that_lacks_a_part_is_not_taken(portal: Portal, sending: Sending) -> None:
    """Confirmed before all of it came: 409, the order waits, and what came is not lost."""
    sending.send_part(1)
    answer = sending.confirm()
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "not_arrived")
    assert sending.order(portal).state == "waiting"
    assert not sending.lies_there(portal)
    assert sending.arrived() == [1]
    sending.send_part(2)
    assert sending.confirm().status_code == 200


def test_an_upload_that_the_store_forgot_begins_anew(portal: Portal, sending: Sending) -> None:
    """A store gives unfinished uploads up after a day (bucket rule): going on then begins again, and works."""
    sending.send_part(2)
    url, headers = sending.part(1)
    began = portal.clock()
    portal.storage.abort_uploads(sending.key(portal), began - timedelta(days=1))
    assert sending.arrived() == [2]
    portal.storage.abort_uploads(sending.key(portal), began + timedelta(days=1))
    assert refused(url, sending.piece(1), headers)
    assert sending.arrived() == []
    sending.send_part(1)
    sending.send_part(2)
    assert sending.confirm().status_code == 200
    assert sending.frozen(portal) == sending.body
