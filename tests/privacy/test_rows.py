"""The rules of retention that are about rows: one too young stays, one too old goes (AC-P01)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from app.kit.ids import new_id
from app.models import (
    AddressChange,
    Attention,
    AuditEntry,
    CustomerView,
    Erasure,
    FormerAddress,
    LoginDevice,
    LoginRequest,
    LoginSession,
    Mail,
    Payment,
    RateCount,
    Run,
    StaffMember,
    StripeEvent,
    StripeHistory,
)
from app.portal import Portal
from app.privacy.retention import RETENTION, apply
from tests.helpers import make_order
from tests.recovery.company import Company

DAY = timedelta(days=1)
Make = Callable[[Portal, datetime], Any]


def _session(**more: Any) -> Make:
    def make(portal: Portal, at: datetime) -> LoginSession:
        columns = {name: at if value is ... else value for name, value in more.items()}
        values = {"kind": "customer", "ip": "192.0.2.1", "user_agent": "x", "created_at": at, "seen_at": at, **columns}
        return LoginSession(id=new_id(), email="a@example.jp", **values)

    return make


def _request(portal: Portal, at: datetime) -> LoginRequest:
    secrets = {name: new_id() for name in ("token_hash", "code_hash", "nonce_hash")}
    return LoginRequest(
        id=new_id(), email="a@example.jp", limit_key="a@example.jp", attempts=0, ip="192.0.2.1", user_agent="x",
        created_at=at, expires_at=at, **secrets,
    )  # fmt: skip


def _mail(order: bool, **more: Any) -> Make:  # noqa: FBT001
    def make(portal: Portal, at: datetime) -> Mail:
        order_id = make_order(portal, created_at=portal.clock()).id if order else None
        return Mail(
            id=new_id(), dedup_key=new_id(), kind="voucher", order_id=order_id, to="a@example.jp", locale="ja",
            params={}, state="sent", created_at=at, **more,
        )  # fmt: skip

    return make


def _change(portal: Portal, at: datetime) -> AddressChange:
    with portal.database.transaction() as session:
        login = _session()(portal, portal.clock())
        session.add(login)
    return AddressChange(
        id=new_id(), session_id=login.id, email="a@example.jp", new_email="b@example.jp", code_hash="x", attempts=0,
        created_at=at, expires_at=at,
    )  # fmt: skip


def _event(**more: Any) -> Make:
    return lambda _, at: StripeEvent(
        id=f"evt_{new_id().replace('-', '')}", type="refund.created", state="handled", received_at=at, **more
    )


def _payment(portal: Portal, at: datetime) -> Payment:
    order = make_order(portal, created_at=portal.clock())
    return Payment(
        id=new_id(), order_id=order.id, method="card", price=1500, handling=0, amount=1500, state="expired",
        terms_version="x", amount_refunded=0, created_at=at, network="x",
    )  # fmt: skip


def _run(portal: Portal, at: datetime) -> Run:
    order_id = make_order(portal, created_at=portal.clock()).id
    return Run(id=new_id(), order_id=order_id, engine="local", program="x", started_at=at, log="x")


def _audit(portal: Portal, at: datetime) -> AuditEntry:
    return AuditEntry(order_id=make_order(portal).id, at=at, kind="order.created", actor="customer", data={})


def _view(portal: Portal, at: datetime) -> CustomerView:
    member = f"{new_id()}@kaiseki.example"
    with portal.database.transaction() as session:
        session.add(StaffMember(email=member, role="support", created_at=portal.clock()))
    order = make_order(portal, created_at=portal.clock())
    return CustomerView(
        id=new_id(), member=member, session_id="x", order_id=order.id, reason="x", begun_at=at, ends_at=at
    )


ROWS: dict[str, tuple[Make, str | None]] = {
    "network addresses and browsers": (_session(), "ip"),
    "login requests": (_request, None),
    "login sessions": (_session(ended_at=...), None),
    "networks that payments were begun from": (_payment, "network"),
    "counts of requests": (lambda _, at: RateCount(key=new_id(), count=1, ends_at=at), None),
    "known devices": (
        lambda _, at: LoginDevice(email="a@example.jp", device_hash=new_id(), created_at=at, seen_at=at),
        None,
    ),
    "changes of address": (_change, None),
    "mails about logins and accounts": (_mail(order=False), None),
    "texts of mails about orders": (_mail(order=True, text="1,500円", subject="お支払い"), "text"),
    "logs of analyses": (_run, "log"),
    "Stripe's answers about an address": (
        lambda _, at: StripeHistory(email=new_id(), fetched_at=at, sessions={}),
        None,
    ),
    "contents of Stripe's events": (_event(payload="{}"), "payload"),
    "ids of Stripe's events": (_event(), None),
    "views as a customer": (_view, None),
    "reasons of what staff closed": (
        lambda _, at: Attention(
            kind="disputed", subject=new_id(), closed_by="a@kaiseki.example", closed_at=at, reason="x"
        ),
        "reason",
    ),
    "audit": (_audit, None),
    "former addresses": (lambda _, at: FormerAddress(email=new_id(), former="b@example.jp", since=at), None),
    "evidence of deletions": (
        lambda _, at: Erasure(
            id=new_id(), email_digest="x", pseudonym="x", stripe_customers={}, asked_at=at, done_at=at
        ),
        None,
    ),
}
PROMISED = {
    "the customer's file": 30,
    "previews and results that were never opened": 180,
    "files of unpaid orders": 7,
    "login requests": 7,
    "login sessions": 30,
    "network addresses and browsers": 90,
    "contents of Stripe's events": 35,
    "audit": 5 * 365,
    "orders, payments and refunds": 7 * 365,
}


def test_ac_p01_the_table_has_the_times_that_were_promised() -> None:
    """Times are those of the bar; what law demands longer, such as books and audit, is kept at least so long."""
    for name, days in PROMISED.items():
        least = RETENTION[name].after.days
        assert least >= days if days > 1000 else least == days, name


def test_ac_p01_rows_go_after_their_time_and_not_before(company: Company) -> None:
    """Each rule about rows: one a minute too young stays, one a minute too old goes or is cut."""
    portal = company.portal
    made: dict[str, list[Any]] = {}
    for name, (make, _) in ROWS.items():
        limit = portal.clock() - RETENTION[name].after
        pair = [make(portal, limit + timedelta(minutes=5)), make(portal, limit - timedelta(minutes=5))]
        with portal.database.transaction() as session:
            session.add_all(pair)
        made[name] = pair
    for name, (_, column) in ROWS.items():
        assert apply(name) >= 1, name
        with portal.database.transaction() as session:
            young, old = (session.get(type(row), _key(row)) for row in made[name])
            assert young is not None, name
            if column is None:
                assert old is None, name
                continue
            # Cut rows of one rule may be younger than another rule that deletes them.
            if old is not None:
                assert not getattr(old, column), name
            assert getattr(young, column), name


def _key(row: Any) -> Any:
    identity = row.__mapper__.primary_key_from_instance(row)
    return identity if len(identity) > 1 else identity[0]


def test_ac_p01_a_session_ends_by_itself_too(company: Company) -> None:
    """A session that nobody ended goes 30 days after the end of its longest life; a living one stays."""
    portal = company.portal
    with portal.database.transaction() as session:
        session.add_all([_session()(portal, portal.clock() - days * DAY) for days in (61, 59)])
        session.add(_session(kind="staff")(portal, portal.clock() - 31 * DAY))
    assert apply("login sessions") == 2
