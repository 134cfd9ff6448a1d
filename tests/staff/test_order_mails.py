"""The mails of an order as their reader got them."""

import pytest
from flask import Flask

from app.kit.ids import new_id
from app.mail.jobs import render
from app.models import Mail, Order
from app.portal import Portal
from tests.helpers import make_order, make_payment
from tests.mail.test_letters import a_payment
from tests.staff.member import Member, log_of, member


@pytest.fixture
def staff(portal: Portal, app: Flask) -> Member:
    """Give a member of staff in a browser."""
    return member(portal, app)


def put(portal: Portal, order: Order | None, kind: str = "result_open", **columns: object) -> Mail:
    """Store a mail of an order."""
    values = {"params": {}, "state": "sent", "created_at": portal.clock(), "sent_at": portal.clock(), **columns}
    to = order.email if order else "a@example.jp"
    with portal.database.transaction() as session:
        mail = Mail(
            id=new_id(), dedup_key=new_id(), kind=kind, order_id=order and order.id, to=to, locale="ja", **values
        )
        session.add(mail)
    return mail


def test_a_mail_as_it_was_sent(portal: Portal, staff: Member) -> None:
    """The very words that went out, although the letter would say something else now; who read it is in the log."""
    order = make_order(portal)
    mail = put(portal, order, subject="お支払い<方法>", text="昔の文面\n<b>二行目</b>\n")
    listed = staff.client.get(f"/staff/orders/{order.id}").text
    path = f"/staff/orders/{order.id}/mails/{mail.id}"
    assert f'href="{path}"' in listed
    text = staff.client.get(f"{path}?lang=en").text
    for part in (
        "お支払い&lt;方法&gt;",
        "昔の文面\n&lt;b&gt;二行目&lt;/b&gt;",
        order.email,
        "Sent",
        'lang="ja"',
        mail.id,
    ):
        assert part in text, part
    assert "is not kept" not in text
    told = [(e.member, e.action, e.data) for e in log_of(portal, f"order:{order.id}") if e.action != "order.see"]
    assert told == [(staff.email, "order.see_mail", {"mail": mail.id, "kind": "result_open"})]


@pytest.mark.parametrize("kind", ["result_open", "cannot_analyse", "analysis_failed", "payment_expired", "voucher"])
def test_a_text_that_is_not_kept_is_written_anew(portal: Portal, staff: Member, kind: str) -> None:
    order = make_order(portal, state="analysed")
    params = {"once": a_payment(portal, order)} if kind == "voucher" else {}
    mail = put(portal, order, kind, params=params)
    text = staff.client.get(f"/staff/orders/{order.id}/mails/{mail.id}?lang=en").text
    assert "this is what it would say now" in text
    assert render(mail).subject in text
    assert order.id in text


def test_ac_s04_the_secret_of_a_pay_link_is_not_shown(portal: Portal, staff: Member) -> None:
    """Neither of the mail that went out nor of the one that is written anew."""
    order = make_order(portal, state="analysed")
    new = put(portal, order, "choose_payment")
    token = portal.signer.sign("pay-link", order.id)
    words = render(new).text
    assert f"/orders/{order.id}/pay?t=" in words
    old = put(portal, order, "choose_payment", subject="x", text=f"{words}https://x.example/pay?a=1&t={token}.\n")
    for mail in (new, old):
        text = staff.client.get(f"/staff/orders/{order.id}/mails/{mail.id}").text
        assert f"/orders/{order.id}/pay?t=***" in text
        assert "?t=e" not in text
        assert token not in text


def test_what_went_wrong_is_told(portal: Portal, staff: Member) -> None:
    order = make_order(portal)
    mail = put(portal, order, state="failed", sent_at=None, error="MailDownError: 550 no such <user>")
    text = staff.client.get(f"/staff/orders/{order.id}/mails/{mail.id}?lang=en").text
    for part in ("Failed", "550 no such &lt;user&gt;", "not yet"):
        assert part in text, part


def test_a_mail_with_nothing_left_to_say(portal: Portal, staff: Member) -> None:
    """A refund that is none, an order that is nobody's, a payment that is gone, a kind that we had once."""
    order = make_order(portal, state="analysed")
    payment = make_payment(portal, order, state="expired")
    erased = make_order(portal, erased_at=portal.clock(), filename="")
    for mail in (
        put(portal, order, "refund", params={"once": payment.id}),
        put(portal, order, "voucher", params={"once": new_id()}),
        put(portal, order, "voucher"),
        put(portal, order, "of_old"),
        put(portal, erased),
    ):
        answer = staff.client.get(f"/staff/orders/{mail.order_id}/mails/{mail.id}?lang=en")
        assert answer.status_code == 200, mail.kind
        assert "nothing left to write it from" in answer.text, mail.kind


def test_only_mails_of_this_order(portal: Portal, staff: Member) -> None:
    """Not another order's, no login mail, and nothing that is no id."""
    order, other = make_order(portal), make_order(portal)
    for mail_id in (put(portal, other).id, put(portal, None, "login").id, new_id(), "x", "%00"):
        assert staff.client.get(f"/staff/orders/{order.id}/mails/{mail_id}").status_code == 404
    assert staff.client.get(f"/staff/orders/{new_id()}/mails/{put(portal, other).id}").status_code == 404
