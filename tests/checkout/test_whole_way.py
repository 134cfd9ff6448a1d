"""From the choice page over Stripe to the download, with the real server, worker and stand-ins."""

import io
import urllib.request
import zipfile

import pytest
from flask.testing import FlaskClient

from app.portal import Portal
from tests.checkout.shop import go_to_stripe, mails, order_of, payments
from tests.helpers import Sandbox, reload, wait_for


def test_card(portal: Portal, client: FlaskClient, sandbox: Sandbox, live: str) -> None:
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    paid = sandbox.control(f"sessions/{session_id}/pay_card")
    assert paid["success_url"] == f"{live}/orders/{order.id}/return?session_id={{CHECKOUT_SESSION_ID}}"
    back = client.get(f"/orders/{order.id}/return", query_string={"session_id": session_id})
    assert (back.status_code, back.location) == (303, f"/orders/{order.id}")
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    assert reload(portal, order).money == "paid"
    assert mails(portal, order) == ["result_open"]
    click = client.get(f"/orders/{order.id}/files/result.zip")
    assert click.status_code == 302
    with urllib.request.urlopen(click.location) as answer:
        body = answer.read()
        assert answer.headers["Content-Type"] == "application/zip"
        assert "filename*=UTF-8''%E7%B5%90%E6%9E%9C_%E5%A3%B2%E4%B8%8A.zip" in answer.headers["Content-Disposition"]
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert names == ["結果_売上/plots/a.png", "結果_売上/report.html", "結果_売上/tables/列.csv"]


@pytest.mark.usefixtures("live")
def test_ac_w07_an_issued_voucher_opens_nothing(portal: Portal, client: FlaskClient, sandbox: Sandbox) -> None:
    """An issued voucher opens nothing; the money at the till does."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order, "konbini")
    sandbox.control(f"sessions/{session_id}/issue_voucher")
    wait_for(lambda: payments(portal, order)[0].state == "awaiting", what="the voucher")
    (payment,) = payments(portal, order)
    assert payment.voucher
    assert set(payment.voucher["stores"]) == {
        "familymart",
        "lawson",
        "ministop",
        "seicomart",
    }
    assert payment.voucher_expires_at is not None
    assert (payment.amount, payment.handling) == (1620, 120)
    assert reload(portal, order).money == "unpaid"
    assert mails(portal, order) == ["voucher"]
    assert client.get(f"/orders/{order.id}/files/result.zip").status_code == 409
    sandbox.control(f"sessions/{session_id}/pay_at_till")
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    assert mails(portal, order) == ["result_open", "voucher"]
    assert client.get(f"/orders/{order.id}/files/result.zip").status_code == 302
