"""A browser that comes back goes on with the same order, key and upload (AC-U02)."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.intake.service import resume_upload
from app.models import Order
from app.portal import Portal
from tests.intake.shopper import CSV, JSON, Shopper, key_of, order_of
from tests.intake.test_grants import LARGE


def _parts(shopper: Shopper, grant: dict[str, Any], size: int = len(LARGE)) -> list[int]:
    answer = shopper.resume(grant, size)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["upload"]["parts"])


def test_what_has_arrived_is_not_sent_again(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    grant = shopper.upload(LARGE)
    known = order_of(portal, grant).upload_id
    assert known
    assert known not in shopper.resume(grant, len(LARGE)).text
    assert _parts(shopper, grant) == []
    shopper.send_part(grant, LARGE, 2)
    assert _parts(shopper, grant) == [2]
    shopper.send_part(grant, LARGE, 1)
    assert _parts(shopper, grant) == [1, 2]
    assert order_of(portal, grant).upload_id == known
    assert shopper.confirm(grant).status_code == 200
    gone = shopper.resume(grant, len(LARGE))
    assert (gone.status_code, gone.get_json()["error"]["code"]) == (409, "conflict")


def test_a_file_that_lies_there_whole_needs_the_confirmation_only(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    shopper = Shopper(client, email)
    small, large = shopper.upload(CSV), shopper.upload(LARGE)
    assert _parts(shopper, small, len(CSV)) == []
    portal.storage.put(key_of(portal, small), CSV, "text/plain")
    portal.storage.put(key_of(portal, large), LARGE, "text/plain")
    assert _parts(shopper, small, len(CSV)) == [1]
    assert _parts(shopper, large) == [1, 2]


def test_an_upload_that_the_store_has_forgotten_is_begun_anew(portal: Portal, client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    grant = shopper.upload(LARGE)
    shopper.send_part(grant, LARGE, 1)
    order = order_of(portal, grant)
    assert order.upload_id
    portal.storage.abort_upload(key_of(portal, grant), order.upload_id)
    portal.storage.abort_upload(key_of(portal, grant), order.upload_id)
    assert _parts(shopper, grant) == []
    assert order_of(portal, grant).upload_id != order.upload_id
    for number in (1, 2):
        assert shopper.send_part(grant, LARGE, number)[0] == 200
    assert shopper.confirm(grant).status_code == 200


def test_of_two_tabs_that_begin_anew_both_go_on_with_one_upload(
    portal: Portal, client: FlaskClient, email: str
) -> None:
    grant = Shopper(client, email).upload(LARGE)
    with portal.database.transaction() as session:
        session.execute(update(Order).where(Order.id == grant["order_id"]).values(upload_id=None))
    stale = order_of(portal, grant)
    first, _ = resume_upload(stale, stale.filename, len(LARGE))
    second, _ = resume_upload(stale, stale.filename, len(LARGE))
    assert first.upload_id == second.upload_id == order_of(portal, grant).upload_id


@pytest.mark.parametrize(
    ("name", "size"), [("売上.csv", len(LARGE) - 1), ("other.csv", len(LARGE)), ("売上.tsv", len(LARGE))]
)
def test_another_file_is_not_mixed_in(client: FlaskClient, email: str, name: str, size: int) -> None:
    shopper = Shopper(client, email)
    error = shopper.resume(shopper.upload(LARGE), size, name)
    assert error.status_code == 422
    assert error.get_json()["error"]["code"] == "another_file"
    assert error.get_json()["error"]["field"] == "file"


def test_the_name_may_be_written_as_on_a_mac(client: FlaskClient, email: str) -> None:
    shopper = Shopper(client, email)
    answer = shopper.order(filename="データ.csv", size=len(LARGE))
    grant = answer.get_json()["upload"]
    assert shopper.resume(grant, len(LARGE), "データ.csv").status_code == 200


@pytest.mark.parametrize("body", [{}, {"filename": "a.csv"}, {"filename": "a.csv", "size": "1"}, [], "x"])
def test_a_resumption_says_which_file(client: FlaskClient, email: str, body: Any) -> None:
    shopper = Shopper(client, email)
    headers = {**JSON, "X-CSRFToken": shopper.token}
    assert client.post(shopper.upload(LARGE)["upload_url"], json=body, headers=headers).status_code == 422
