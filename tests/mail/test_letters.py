"""What the mails say, in both languages, and what never stands in them."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from flask import current_app

from app.kit.ids import digest, new_id
from app.kit.login_secrets import derive_secrets
from app.mail.jobs import Rendered, render
from app.mail.letters import LETTERS, NotNeededError
from app.mail.service import AccountMail, OrderMail
from app.models import LoginRequest, Mail, Order
from app.portal import EXTENSION, Portal
from tests.helpers import make_order, make_payment

VOUCHER: dict[str, Any] = {
    "hosted_url": "https://payments.stripe.example/konbini/voucher/test",
    "stores": {
        "familymart": {"payment_code": "11111111111", "confirmation_number": "22222222222"},
        "lawson": {"payment_code": "33333333333", "confirmation_number": "44444444444"},
        "ministop": {"payment_code": "55555555555", "confirmation_number": "66666666666"},
        "seicomart": {"payment_code": "77777777777", "confirmation_number": "88888888888"},
    },
}
NAUGHTY = "<script>alert(1)</script>.csv"


def letter(portal: Portal, kind: str, order: Order, **params: Any) -> Rendered:
    """Render one mail of an order."""
    row = Mail(id=new_id(), kind=kind, order_id=order.id, to=order.email, locale=order.locale, params=params)
    row.expires_at = order.kept_until  # of the mail about it; the others have none
    return render(row)


FAR = datetime(2099, 11, 25, 14, 59, 59, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 25, 14, 59, tzinfo=UTC)


def a_payment(portal: Portal, order: Order, deadline: datetime = DEADLINE, state: str = "awaiting") -> str:
    """Make a konbini payment with a voucher; return its id."""
    payment = make_payment(
        portal,
        order,
        method="konbini",
        amount=1620,
        handling=120,
        state=state,
        voucher=VOUCHER,
        voucher_expires_at=deadline,
    )
    return payment.id


def test_every_kind_has_a_letter() -> None:
    assert set(LETTERS) == {*get_args(OrderMail), *get_args(AccountMail)}


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("kind", get_args(OrderMail))
def test_order_mails(portal: Portal, kind: str, locale: str) -> None:
    money = {"refund": "refunded", "results_go_soon": "paid"}.get(kind, "unpaid")
    order = make_order(portal, locale=locale, filename=NAUGHTY, money=money, kept_until=FAR)
    if kind == "paid_twice":
        make_payment(portal, order, state="paid")
    mail = letter(portal, kind, order, once=a_payment(portal, order, FAR))
    assert mail.subject
    assert "\n" not in mail.subject
    assert NAUGHTY not in mail.html
    assert NAUGHTY not in mail.subject
    assert "&lt;script&gt;" in mail.html
    assert NAUGHTY in mail.text
    assert f'<html lang="{locale}"' in mail.html
    for part in (mail.text, mail.html):
        assert portal.catalog.seller.name(locale) in part
        assert portal.catalog.portal.support_email in part
        assert order.id in part
        links = set(re.findall(r"https?://[^\s\"<]+", part))
        ours = {link for link in links if link.startswith(portal.settings.public_url)}
        assert links - ours <= {VOUCHER["hosted_url"]}
    # Nothing is loaded and nothing runs when the mail is read.
    assert not re.findall(r"<(?:img|script|link|iframe)|url\(", mail.html)
    assert 'style="' in mail.html


@pytest.mark.parametrize("charge", ["after_analysis", "before_analysis"])
def test_choose_payment_carries_the_signed_link_and_the_totals(portal: Portal, charge: str) -> None:
    order = make_order(portal, locale="en", charge=charge, price=1500)
    mail = letter(portal, "choose_payment", order)
    found = re.search(rf"{re.escape(portal.settings.public_url)}/orders/{order.id}/pay\?t=(\S+)", mail.text)
    assert found
    assert portal.signer.read("pay-link", found[1], 60) == order.id
    assert found[0] in mail.html
    assert ("starts as soon as" in mail.text) == (charge == "before_analysis")
    for offer in portal.catalog.offers(order.price):
        assert f"{offer.method.name('en')}: ¥{offer.total:,}" in mail.text


def test_methods_that_are_refused_are_not_offered(portal: Portal) -> None:
    mail = letter(portal, "choose_payment", make_order(portal, locale="en", price=200, product="quick-look"))
    assert "Card: ¥200" in mail.text
    assert "konbini" not in mail.text


@pytest.mark.parametrize(
    ("locale", "deadline"), [("ja", "2026年11月25日(水) 23:59"), ("en", "Wed 25 Nov 2026, 23:59 JST")]
)
def test_voucher_names_every_store_with_its_codes(portal: Portal, locale: str, deadline: str) -> None:
    order = make_order(portal, locale=locale)
    mail = letter(portal, "voucher", order, once=a_payment(portal, order))
    names = {"ja": ["ファミリーマート", "ローソン", "ミニストップ", "セイコーマート"]}.get(
        locale, ["FamilyMart", "Lawson", "Ministop", "Seicomart"]
    )
    for part in (mail.text, mail.html):
        assert deadline in part
        assert ("1,620円" if locale == "ja" else "¥1,620") in part
        assert VOUCHER["hosted_url"] in part
        for name, codes in zip(names, VOUCHER["stores"].values(), strict=True):
            assert part.index(name) < part.index(codes["payment_code"]) < part.index(codes["confirmation_number"])


def test_a_file_that_can_not_be_analysed_gets_its_reason(portal: Portal) -> None:
    reason = {"ja": "表ではありません。", "en": "It is not a table."}
    mail = letter(portal, "cannot_analyse", make_order(portal, locale="en", reason=reason))
    assert "It is not a table." in mail.text
    assert "nothing to pay" in mail.text
    paid = letter(portal, "cannot_analyse", make_order(portal, locale="en", reason=reason, money="paid"))
    assert "nothing to pay" not in paid.text
    assert "refund" in paid.text


def test_a_product_that_is_not_sold_any_more_still_has_a_name(portal: Portal) -> None:
    assert "old-product" in letter(portal, "result_open", make_order(portal, product="old-product")).text


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_the_login_mail(portal: Portal, locale: str) -> None:
    request_id = new_id()
    secrets = derive_secrets(portal.signer, request_id)[0]
    now = portal.clock()
    with portal.database.transaction() as session:
        session.add(
            LoginRequest(
                id=request_id,
                email="a@example.jp",
                limit_key=request_id,
                token_hash=digest(secrets.token),
                code_hash="-",
                nonce_hash="-",
                ip="unknown",
                user_agent="<b>agent</b>",
                created_at=now,
                expires_at=now,
            )
        )
    mail = render(Mail(id=new_id(), kind="login", to="a@example.jp", locale=locale, params={"request": request_id}))
    for part in (mail.text, mail.html):
        assert f"{portal.settings.public_url}/login/{secrets.token}" in part
        assert secrets.code in part
        assert "agent" not in part
    assert secrets.token not in mail.subject
    assert secrets.code not in mail.subject


def test_templates_escape_only_where_it_is_html(portal: Portal) -> None:
    order = make_order(portal, filename="a & b.csv")
    mail = letter(portal, "result_open", order)
    assert "a & b.csv" in mail.text
    assert "a &amp; b.csv" in mail.html


@pytest.mark.parametrize(
    ("money", "state", "deadline"),
    [("paid", "awaiting", FAR), ("unpaid", "paid", FAR), ("unpaid", "failed", FAR), ("unpaid", "awaiting", DEADLINE)],
)
def test_nobody_is_reminded_of_what_is_settled(portal: Portal, money: str, state: str, deadline: datetime) -> None:
    """Looked at once more when the mail is written: it may have waited while the mail server was away."""
    now = datetime(2026, 11, 26, tzinfo=UTC)
    order = make_order(portal, money=money)
    payment = a_payment(portal, order, deadline, state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(current_app.extensions, EXTENSION, replace(portal, clock=lambda: now))
        with pytest.raises(NotNeededError):
            letter(portal, "payment_reminder", order, once=payment)


@pytest.mark.parametrize("method", ["card", "konbini"])
@pytest.mark.parametrize("kind", ["paid_twice", "refund"])
def test_what_happens_with_which_payment(portal: Portal, kind: str, method: str) -> None:
    order = make_order(portal, locale="en", money="paid" if kind == "paid_twice" else "refunded")
    make_payment(portal, order, method="konbini", amount=1620, state="paid")
    back = make_payment(portal, order, method=method, amount=1777, state="refunded")
    mail = letter(portal, kind, order, once=back.id)
    name = {"card": "Card", "konbini": "Convenience store (konbini)"}[method]
    assert f"Goes back to you: ¥1,777 ({name})" in mail.text
    assert ("asks for a bank account" in mail.text) == (method == "konbini")
    assert ("goes back to the card" in mail.text) == (method == "card")
    if kind == "paid_twice":
        assert "Pays the order: ¥1,620 (Convenience store (konbini))" in mail.text
    assert "¥1,777" in mail.subject


def test_a_double_payment_that_staff_must_send_back(portal: Portal) -> None:
    order = make_order(portal, locale="en", money="paid")
    make_payment(portal, order, method="konbini", amount=1620, state="paid")
    back = make_payment(portal, order, state="partly_refunded")
    text = letter(portal, "paid_twice", order, once=back.id).text
    assert "One of our staff sends it back" in text
    assert "goes back to the card" not in text


def test_no_refund_is_told_of_that_failed_meanwhile(portal: Portal) -> None:
    order = make_order(portal, money="paid")
    with pytest.raises(NotNeededError):
        letter(portal, "refund", order, once=make_payment(portal, order, state="paid").id)
