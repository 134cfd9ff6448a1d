"""Old events lose their payload, then are forgotten; what is not done is kept (AC-W18)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.kit.ids import new_id
from app.models import StripeEvent
from app.portal import Portal
from app.privacy.retention import apply
from tests.webhooks.deliveries import browser_here, deliver, encode, make_event, sign

AGES = {"young": 34, "cut": 36, "old": 401}  # days
STATES = ("received", "dead", "handled", "ignored")


@pytest.fixture
def client(own_house: tuple[Portal, dict[str, str]]) -> FlaskClient:
    """Give somebody who sends events to a portal of its own."""
    return browser_here()


def purge() -> list[int]:
    return [apply(f"{what} of Stripe's events") for what in ("contents", "ids")]


def fill(portal: Portal, each: int) -> None:
    now = portal.clock()
    with portal.database.transaction() as session:
        for name, days in AGES.items():
            for state in STATES:
                session.add_all(
                    StripeEvent(
                        id=f"evt_{name}_{state}_{n}", type="refund.created", state=state, payload="{}",
                        received_at=now - timedelta(days=days), taken_by="this test",
                    )
                    for n in range(each)
                )  # fmt: skip


def kept(portal: Portal) -> dict[tuple[str, str], tuple[int, int]]:
    """Count rows, and payloads among them, by age and state."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for name in AGES:
        for state in STATES:
            mine = select(func.count(), func.count(StripeEvent.payload)).where(
                StripeEvent.id.startswith(f"evt_{name}_"), StripeEvent.state == state
            )
            with portal.database.transaction() as session:
                rows, payloads = session.execute(mine).one()
            found[name, state] = (rows, payloads)
    return found


def test_ac_w18_under_load_nothing_undone_goes_and_a_resend_stays_known(
    own_house: tuple[Portal, dict[str, str]], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The purge runs while events come in: nothing undone goes, and a resend stays a no-op."""
    portal, _ = own_house
    monkeypatch.setattr("app.privacy.work.BATCH", 7)
    fill(portal, 20)
    sent = [make_event() for _ in range(60)]

    def send(event: dict[str, object]) -> int:
        body = encode(event)
        return deliver(client, body, sign(body)).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(send, sent)
        done = purge()
        assert set(answers) == {200}
    assert done == [80, 40]
    expected = {(name, state): (20, 20) for name in AGES for state in STATES}
    expected |= {("cut", state): (20, 0) for state in ("handled", "ignored")}
    expected |= {("old", state): (0, 0) for state in ("handled", "ignored")}
    assert kept(portal) == expected
    with portal.database.transaction() as session:
        ids = set(session.scalars(select(StripeEvent.id).where(StripeEvent.state == "received")))
    assert {str(event["id"]) for event in sent} <= ids

    again = make_event("refund.created") | {"id": "evt_cut_handled_3"}
    assert send(again) == 200
    assert kept(portal) == expected
    assert purge() == [0, 0]


def test_a_resend_of_a_forgotten_id_is_only_a_look_at_stripe(client: FlaskClient) -> None:
    """After 400 days an id is new again: its session is read anew, and Stripe decides (P8)."""
    event = make_event() | {"id": f"evt_old_{new_id().replace('-', '')}"}
    body = encode(event)
    assert deliver(client, body, sign(body)).status_code == 200
