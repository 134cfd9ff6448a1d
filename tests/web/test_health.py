"""/healthz tells of a clock that may be wrong (fault C1)."""

import time

import pytest
from flask.testing import FlaskClient

from app.portal import Portal
from tests.webhooks.deliveries import deliver, encode, make_event, sign


@pytest.mark.parametrize("late", [3600, -3600])
def test_a_wrong_clock_is_told_until_an_event_is_on_time(portal: Portal, client: FlaskClient, late: int) -> None:
    off = round(portal.clock().timestamp() - time.time())  # the stand-in's clock may have been moved
    body = encode(make_event())
    assert deliver(client, body, sign(body, late=late - off)).text == "clock_skew\n"
    told = client.get("/healthz")
    assert told.status_code == 200
    assert "clock" in told.text
    assert deliver(client, body, sign(body, late=-off)).status_code == 200
    assert client.get("/healthz").text == "ok\n"
