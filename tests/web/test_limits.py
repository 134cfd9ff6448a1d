"""Limits on one address of the network; switched off in the other tests, which all come from 127.0.0.1."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.portal import EXTENSION
from app.settings import Settings
from app.web.limits import limiter


@pytest.fixture
def limited(app: Flask, settings: Settings) -> Iterator[FlaskClient]:
    """Give a browser of a portal that counts."""
    assert app
    application = create_app(settings.model_copy(update={"portal_env": "demo"}))
    yield application.test_client()
    limiter.reset()
    limiter.enabled = False  # one limiter serves every application of this process
    application.extensions[EXTENSION].database.close()


def test_ac_h07_many_orders_in_a_minute_are_refused(limited: FlaskClient, email: str) -> None:
    page = limited.get("/?product=csv-profile")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    form = {"csrf_token": token[1], "product": "csv-profile", "email": email, "locale": "ja"}
    forged = [
        limited.post("/orders", data=form, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(6)
    ]
    assert forged == [303] * 6
    refused = limited.post("/orders", data=form, headers={"X-Forwarded-For": "192.0.2.99"})  # AC-L09, AC-H06
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "アクセスが多すぎます" in refused.text
    assert limited.get("/").status_code == 200
