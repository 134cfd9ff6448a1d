"""Changing the address (AC-L24): proved anew, confirmed by the new one, told to the old one, once."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kit.clock import system_clock
from app.kit.ids import new_id
from app.kit.login_secrets import ALPHABET
from app.login import limits
from app.models import AuditEntry, LoginSession, Mail
from app.orders.owners import former_addresses
from app.orders.records import key_of
from app.portal import Portal
from app.staff.people.members import add_staff
from tests.helpers import Sandbox, make_order, reload, wait_for
from tests.login.steps import (
    Browser,
    ask,
    change_address,
    changes_of,
    code_for_new_address,
    cookie,
    log_in,
    mailed,
    post,
    session_cookie,
    sessions_of,
    set_cookie,
    shape,
)

ENGLISH = {"Accept-Language": "en"}


def mails_to(portal: Portal, email: str) -> list[str]:
    """Return the kinds of the mails to an address, oldest first."""
    with portal.database.transaction() as session:
        return list(session.scalars(select(Mail.kind).where(Mail.to == email).order_by(Mail.created_at)))


def test_ac_l24_orders_sessions_and_history_go_to_the_new_address(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """After the code from the new address: its orders, this browser its session, both addresses are told."""
    new = f"new-{email}"
    order = make_order(portal, email=email)
    log_in(stranger, portal, email)
    log_in(client, portal, email)
    before = session_cookie(client)
    answer = change_address(client, portal, email, new.upper())
    assert (answer.status_code, answer.location) == (303, "/account?changed=1"), answer.text
    assert reload(portal, order).email == new
    page = client.get(answer.location, headers=ENGLISH)
    assert f"You are logged in as {new}." in page.text
    assert "Your orders now belong to this address." in page.text
    assert order.id in client.get("/history").text
    # The secret was exchanged, and every other session of the old address is over.
    assert session_cookie(client) != before
    set_cookie(stranger, "session", before)
    assert stranger.get("/account").status_code == 302
    assert [row for row in sessions_of(portal, email) if row.ended_at is None] == []
    assert len(sessions_of(portal, new)) == 1
    assert mails_to(portal, email)[-1] == "address_changed_old"
    assert mails_to(portal, new) == ["address_code", "address_changed_new"]
    with portal.database.transaction() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.order_id == order.id)).all()
        assert former_addresses(session, new).keys() == {email}
    assert [(entry.kind, entry.actor) for entry in entries] == [("order.address_changed", "customer")]
    assert email not in str(entries[0].data)
    # A login with the old address still works, and opens an empty account.
    log_in(stranger, portal, email)
    assert order.id not in stranger.get("/history").text
    assert stranger.get(f"/orders/{order.id}").status_code == 404


def test_ac_l24_an_old_login_must_be_proved_anew(client: FlaskClient, portal: Portal, email: str) -> None:
    """More than ten minutes after the login the page asks for another login by mail, and comes back afterwards."""
    with time_machine.travel(system_clock() - timedelta(minutes=11)):
        log_in(client, portal, email)
    for answer in (client.get("/account/email"), post(client, "/account/email", email=f"x{email}")):
        assert answer.status_code == 303
        assert answer.location == "/login?next=login.address.change&again=1"
    assert changes_of(portal, email) == []
    page = client.get(answer.location, headers=ENGLISH)
    assert "Log in once more" in page.text
    assert f'value="{email}"' in page.text
    ask(client, email, next="login.address.change")
    answer = post(client, "/login/code", code=mailed(portal, email).code)
    assert answer.location == "/account/email"
    assert client.get("/account/email").status_code == 200


def test_ac_l24_nobody_changes_anything_without_a_login(client: FlaskClient) -> None:
    """Both pages lead whoever is not logged in to the login."""
    for path in ("/account/email", "/account/email/code"):
        assert client.get(path).location.startswith("/login?next=login.address.")
        assert post(client, path, code="", email="a@example.jp").location.startswith("/login?next=")


def test_ac_l24_five_tries_in_the_session_that_asked(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """The code works only in the session that asked for it, and not after five wrong ones."""
    log_in(client, portal, email)
    log_in(stranger, portal, email)
    post(client, "/account/email", email=f"x{email}")
    code = code_for_new_address(portal, email)
    assert post(stranger, "/account/email/code", code=code).status_code == 422
    wrong = ALPHABET[0] * 8 if code[0] != ALPHABET[0] else ALPHABET[1] * 8
    for _ in range(4):
        assert post(client, "/account/email/code", code=wrong).status_code == 422
    page = client.get("/account/email/code").text
    assert f"x{email}" in page
    assert post(client, "/account/email/code", code=wrong).status_code == 422
    assert post(client, "/account/email/code", code=code).status_code == 422
    assert changes_of(portal, email)[0].attempts == 5
    # A new mail, a new code; forgiving to how it is typed.
    post(client, "/account/email", email=f"x{email}")
    code = code_for_new_address(portal, email).lower().replace("-", " ")
    assert post(client, "/account/email/code", code=code).status_code == 303


def test_ac_l24_a_code_lives_ten_minutes(client: FlaskClient, portal: Portal, email: str) -> None:
    """After ten minutes the code is worth nothing, and the page says that none is waiting."""
    with time_machine.travel(system_clock() - timedelta(minutes=10)):
        log_in(client, portal, email)
        post(client, "/account/email", email=f"x{email}")
        kept = cookie(client, "session")
    change = changes_of(portal, email)[0]
    assert change.expires_at - change.created_at <= timedelta(minutes=10)
    client.delete_cookie("portal", domain="127.0.0.1")
    assert kept == session_cookie(client)
    assert "No code is waiting here." in client.get("/account/email/code", headers=ENGLISH).text
    assert post(client, "/account/email/code", code=code_for_new_address(portal, email)).status_code == 422
    assert sessions_of(portal, f"x{email}") == []


@pytest.mark.parametrize(
    ("typed", "wrong"), [("a b@example.jp", "half-width"), ("", "half-width"), ("OWN", "you have now")]
)
def test_an_address_that_can_not_be_taken_is_said_so(
    client: FlaskClient, portal: Portal, email: str, typed: str, wrong: str
) -> None:
    log_in(client, portal, email)
    client.get("/account?lang=en")
    answer = post(client, "/account/email", email=email.upper() if typed == "OWN" else typed)
    assert answer.status_code == 422
    assert wrong in answer.text
    assert changes_of(portal, email) == []


def test_ac_l24_the_answer_does_not_tell_who_is_known(
    client: FlaskClient, new_browser: Callable[[], FlaskClient], portal: Portal, email: str
) -> None:
    """A new address that has orders here gets the same answer as one that nobody knows."""
    known, unknown = f"k-{email}", f"u-{email}"
    log_in(new_browser(), portal, known)
    make_order(portal, email=known)
    log_in(client, portal, email)
    seen = set()
    for address in (known, unknown):
        answer = post(client, "/account/email", email=address)
        page = shape(client.get("/account/email/code").text).replace(address, "-")
        seen.add((answer.status_code, answer.location, answer.text, page))
    assert len(seen) == 1


def test_ac_l22_codes_for_a_new_address_count_as_login_mails_do(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """Six mails an hour go to one address, whichever page asked for them; the answer stays the same."""
    victim = f"v-{email}"
    log_in(client, portal, email)
    for _ in range(3):
        ask(stranger, victim)
    answers = {post(client, "/account/email", email=victim).status_code for _ in range(5)}
    assert answers == {303}
    assert mails_to(portal, victim) == ["login"] * 3 + ["address_code"] * 3
    ask(stranger, victim)
    assert len(mails_to(portal, victim)) == 6
    # The mails that went out still work.
    assert post(client, "/account/email/code", code=code_for_new_address(portal, email)).status_code == 422
    waiting = changes_of(portal, email)[2]
    assert waiting.expires_at > waiting.created_at


def test_ac_l22_codes_for_new_addresses_count_for_the_network(
    app: Flask, client: FlaskClient, portal: Portal, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty mails an hour from one network, to whomever: a login does not open a way around."""
    log_in(client, portal, email)
    monkeypatch.setattr(limits, "IN_ALL", (1_000_000, limits.HOUR))
    monkeypatch.setattr(limits, "PER_NETWORK", (3, limits.HOUR))
    monkeypatch.setitem(app.config, "RATELIMIT_ENABLED", True)
    here = {"REMOTE_ADDR": f"fd00:{new_id()[:4]}:{new_id()[:4]}:{new_id()[:4]}::1"}
    token = client.get("/account/email").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answers = [
        client.post("/account/email", data={"csrf_token": token, "email": f"{n}{email}"}, environ_base=here).status_code
        for n in range(4)
    ]
    assert answers == [303, 303, 303, 429]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_ac_l24_a_staff_address_stays(client: FlaskClient, portal: Portal, email: str, when: str) -> None:
    """The rights of staff hang on the address, so it can't be changed by whoever reads the mail."""
    order = make_order(portal, email=email)
    log_in(client, portal, email)
    if when == "meanwhile":
        post(client, "/account/email", email=f"x{email}")
    with portal.database.transaction() as session:
        add_staff(session, email, "viewer", portal.clock())
    if when == "before":
        assert 'name="email"' not in client.get("/account/email").text
        assert post(client, "/account/email", email=f"x{email}").status_code == 409
        assert changes_of(portal, email) == []
        return
    assert post(client, "/account/email/code", code=code_for_new_address(portal, email)).status_code == 409
    assert reload(portal, order).email == email
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("same", [True, False])
def test_ac_l24_of_changes_at_once_one_wins(four_processes: str, portal: Portal, email: str, *, same: bool) -> None:
    """Eight confirmations at once, of one code or of two sessions' codes, are one change (real processes)."""
    orders = [make_order(portal, email=email) for _ in range(20)]
    browsers, codes = [], []
    for number in range(1 if same else 2):
        browser = Browser(four_processes)
        browser.post("/login", email=email)
        assert browser.post(f"/login/{mailed(portal, email).token}")[0] == 303
        assert browser.post("/account/email", email=f"{number}-{email}")[0] == 303
        browsers.append(browser)
        codes.append(code_for_new_address(portal, email))
    sets = [[(b, code)] * (8 // len(browsers)) for b, code in zip(browsers, codes, strict=True)]
    tries = [one for group in zip(*sets, strict=True) for one in group]
    csrf = {id(b): b.csrf() for b in browsers}
    twins = [(b.twin(), csrf[id(b)], code) for b, code in tries]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda t: t[0].submit("/account/email/code", csrf_token=t[1], code=t[2]), twins))
    won = [headers["Location"] for status, _, headers in answers if headers["Location"] == "/account?changed=1"]
    assert len(won) == 1, [(status, headers["Location"]) for status, _, headers in answers]
    assert {status for status, _, _ in answers} <= {302, 303, 422}
    owners = {reload(portal, order).email for order in orders}
    assert len(owners) == 1
    (owner,) = owners
    assert owner in {f"{number}-{email}" for number in range(2)}
    with portal.database.transaction() as session:
        rows = session.scalars(select(LoginSession).where(LoginSession.email.like(f"%{email}"))).all()
        entries = session.scalars(select(AuditEntry.kind).where(AuditEntry.order_id == orders[0].id)).all()
    assert [row.email for row in rows if row.ended_at is None] == [owner]
    assert entries == ["order.address_changed"]
    assert mails_to(portal, email).count("address_changed_old") == 1


def test_ac_l24_with_real_servers_worker_and_mail(live: str, sandbox: Sandbox, portal: Portal, email: str) -> None:
    """The code travels by mail, both addresses are told, and the order's record in the object store follows."""
    order = make_order(portal, email=email, state="analysed", uploaded_at=portal.clock())
    new = f"new-{email}"
    browser = Browser(live)
    browser.post("/login", email=email)
    browser.post(f"/login/{mailed(portal, email).token}")
    browser.post("/account/email", email=new)
    mail = wait_for(lambda: sandbox.mails(new), what="the mail to the new address")[0]
    code = re.search(r"^[2-9A-Z]{4}-[2-9A-Z]{4}$", mail["text"], re.MULTILINE)
    assert code, mail["text"]
    assert browser.post("/account/email/code", code=code[0])[0] == 303
    wait_for(lambda: len(sandbox.mails(new)) == 2, what="the mail that it is done")
    wait_for(
        lambda: ["mail" for m in sandbox.mails(email) if "n***@example.jp" in m["text"]], what="the old one's mail"
    )

    def recorded() -> bool:
        record = json.loads(portal.storage.get(key_of("order", order.id)))
        return (record["email"], list(record["former"]), bool(record["proved_at"])) == (new, [email], True)

    wait_for(lambda: list(portal.storage.list(f"orders/{order.id}.json")), what="the record")
    wait_for(recorded, what="the record of the new owner")
