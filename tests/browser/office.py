"""A back office with something on every page: orders in many states, one with a whole story, people, troubles."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import select

from app.checkout.fees import MARK as FEES
from app.kit.ids import new_id
from app.models import Finding, Mail, Mark, Note, Order, Payment, RefundRequest, Run, StaffMember, StripeEvent
from app.portal import Portal
from tests.cast import staff_session
from tests.checkout.shop import put_result, session_for
from tests.helpers import Sandbox, make_order, make_payment, reload, wait_for
from tests.staff.test_numbers import give_back, sell

HANAKO, TARO = "hanako@kaiseki.example", "taro@kaiseki.example"
FILE = "日付,店舗,売上\n2026-10-01,新宿,120000\n".encode()
LOG = "read 31 rows, 3 columns\nwrote result.json, plots/daily.png\n"
NAMES = ("mori", "ikeda", "hashimoto", "ishikawa", "ogawa")
# Customer, file, work, money, attention.
OTHERS = (
    ("suzuki@example.jp", "来店者数.csv", "waiting", "unpaid", None),
    ("takahashi.ichiro@example.jp", "在庫 2026-09.xlsx", "analysing", "unpaid", None),
    ("tanaka@example.com", "survey_2026_final_v3.csv", "analysed", "unpaid", None),
    ("ito.misaki@example.jp", "アンケート.csv", "analysed", "unpaid", None),
    ("watanabe@example.jp", "店舗別売上 2025年度.csv", "delivered", "paid", None),
    ("yamamoto@example.jp", "写真.jpg", "rejected", "unpaid", None),
    ("nakamura@example.com", "measurements.csv", "failed", "paid", "paid_but_no_result"),
    ("kobayashi@example.jp", "売上 10月.csv", "delivered", "paid", "double_payment"),
)


@dataclass(frozen=True)
class Office:
    """What the pages are about. `secret` is the cookie of an administrator who gave the second factor a moment ago."""

    secret: str
    order: Order  # paid by konbini, delivered
    large: Order  # its refund waits for a second person
    mail: str
    event: str


def furnish(portal: Portal, sandbox: Sandbox) -> Office:
    """Store it all; the story of the one order is real, the rest are rows."""
    with portal.database.transaction() as session:
        for email, role in ((HANAKO, "admin"), (TARO, "refunder")):
            session.merge(StaffMember(email=email, role=role, created_at=portal.clock()))
        session.flush()
        secret = staff_session(portal, session, HANAKO)
    for number in range(14):
        _sales_of_a_day(portal, number)
    for email, filename, state, money, attention in OTHERS:
        make_order(portal, email=email, filename=filename, state=state, money=money, attention=attention)
    large = make_order(
        portal, email="kato@example.jp", filename="会員.csv", state="delivered", money="paid", price=12_000
    )
    order = _with_a_story(portal, sandbox)
    mail = wait_for(lambda: _mail_about(portal, order), what="a mail")
    event = _troubles(portal, large, make_payment(portal, large, state="paid"))
    return Office(secret, order, large, mail, event)


def _sales_of_a_day(portal: Portal, ago: int) -> None:
    at = portal.clock() - timedelta(days=ago, hours=1)
    ends = at + timedelta(days=3)
    values = {"product": "quick-look", "price": 200, "handling": 120, "fee": 120, "voucher_expires_at": ends}
    order, slip = sell(portal, at, "konbini", **values)  # type: ignore[arg-type]
    cards = [sell(portal, at, fee=54)[0] for _ in range(1 + ago * 5 % 4)]
    if ago % 5 == 0:
        give_back(portal, slip, at, 320)
    with portal.database.transaction() as session:
        for number, sold in enumerate((order, *cards)):
            row = session.get_one(Order, sold.id)
            row.email, row.state = f"{NAMES[(ago + number) % len(NAMES)]}@example.jp", "delivered"
            row.uploaded_at = row.analysed_at = row.delivered_at = at
            program = {"engine": "local", "program": "python -m analyses.csv_profile", "outcome": "analysed"}
            ended = at + timedelta(seconds=4 + ago)
            session.add(Run(id=new_id(), order_id=row.id, **program, started_at=at, ended_at=ended))
        session.merge(Mark(name=FEES, value=portal.clock().isoformat(), at=portal.clock()))


def _with_a_story(portal: Portal, sandbox: Sandbox) -> Order:
    now = portal.clock()
    file = {"size": len(FILE), "sha256": sha256(FILE).hexdigest(), "uploaded_at": now, "analysed_at": now}
    named = {"email": "sato.hanako@example.jp", "filename": "売上 2026年10月.csv"}
    order = make_order(portal, state="analysed", **named, **file)
    portal.storage.put(f"orders/{order.id}.kaiseki", FILE, "text/csv")
    put_result(portal, order)
    _, session_id = session_for(portal, order, method="konbini")
    with portal.database.transaction() as session:
        session.add(
            Run(
                id=new_id(), order_id=order.id, engine="local", program="python -m analyses.csv_profile",
                outcome="analysed", exit_code=0, peak_memory=88_000_000, log=LOG,
                started_at=now - timedelta(seconds=3), ended_at=now,
            )
        )  # fmt: skip
        text = "お電話あり。領収書の宛名について。"
        session.add(Note(id=new_id(), order_id=order.id, author=TARO, text=text, created_at=now))
    sandbox.control(f"sessions/{session_id}/issue_voucher")
    sandbox.control(f"sessions/{session_id}/pay_at_till")
    wait_for(lambda: reload(portal, order).state == "delivered", what="the delivery")
    return reload(portal, order)


def _mail_about(portal: Portal, order: Order) -> str | None:
    with portal.database.transaction() as session:
        return session.scalars(select(Mail.id).where(Mail.order_id == order.id, Mail.state == "sent")).first()


def _troubles(portal: Portal, order: Order, payment: Payment) -> str:
    now, event = portal.clock(), f"evt_{new_id().replace('-', '')}"
    with portal.database.transaction() as session:
        session.add(
            RefundRequest(
                id=new_id(), payment_id=payment.id, amount=12_000, reason="ファイルの取り違え", state="waiting",
                asked_by=TARO, asked_at=now,
            )
        )  # fmt: skip
        session.add(
            StripeEvent(
                id=event, type="refund.failed", state="dead", attempts=12, note="StripeDownError", received_at=now,
                payload='{"object": "event", "data": {"object": {"id": "re_1", "object": "refund", "amount": 1500}}}',
            )
        )  # fmt: skip
        session.add(
            Finding(
                id=new_id(), kind="session_gone", subject=f"cs_test_{new_id()[:8]}", order_id=order.id,
                first_seen_at=now, last_seen_at=now,
            )
        )  # fmt: skip
        session.add(
            Mail(
                id=new_id(), dedup_key=new_id(), kind="results_go_soon", order_id=order.id, to=order.email, locale="ja",
                params={}, state="failed", error="550 5.1.1 user unknown", created_at=now - timedelta(hours=1),
            )
        )  # fmt: skip
    return event
