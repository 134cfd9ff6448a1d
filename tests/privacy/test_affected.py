"""The leak drill: who was affected, by one command (AC-P05)."""

from datetime import datetime, timedelta

from app.kit.clock import JST
from app.models import AuditEntry
from app.privacy.wish import forget
from tests.conftest import Browser
from tests.history.people import log_in
from tests.recovery.company import Company


def times(company: Company, before: timedelta, after: timedelta) -> list[str]:
    now = company.portal.clock().astimezone(JST)
    return ["--from", _text(now - before), "--to", _text(now + after)]


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


HOUR = timedelta(hours=1)


def test_ac_p05_who_was_affected_by_an_object(company: Company, email: str) -> None:
    """Of an object: the order, its address and each download in the time, which the audit has."""
    order, _ = company.bought(email=email, filename="売上.csv")
    other, _ = company.bought()
    for _ in range(2):
        company.browser(order).get(f"/orders/{order.id}/files/result.zip")
    company.browser(other).get(f"/orders/{other.id}/files/result.zip")
    key = f"results/{order.id}/result.zip"
    code, told = company.cli("affected", "--object", key, *times(company, HOUR, HOUR))
    assert code == 0
    assert f"order {order.id}  {email}" in told
    assert told.count("file.downloaded  by customer  result.zip") == 2
    assert "1 persons, 1 orders, 2 downloads in this time" in told
    assert other.id not in told
    told = company.cli("affected", "--object", key, *times(company, 3 * HOUR, -2 * HOUR))[1]
    assert "1 persons, 1 orders, 0 downloads in this time" in told
    with company.portal.database.transaction() as session:
        assert session.query(AuditEntry).filter_by(kind="file.downloaded").count() == 3


def test_ac_p05_who_was_affected_by_an_account(company: Company, email: str) -> None:
    """Of an account: all its orders, and the logins in the time with network address and browser."""
    orders = [company.bought(email=email)[0], company.analysed(email=email)]
    log_in(company.portal, Browser(company.flask, company.flask.response_class), email)
    told = company.cli("affected", "--account", email.upper(), *times(company, HOUR, HOUR))[1]
    for order in orders:
        assert order.id in told
    assert "1 persons, 2 orders, 0 downloads in this time" in told
    assert "127.0.0.1  tests" in told
    told = company.cli("affected", "--account", "nobody@example.jp", *times(company, HOUR, HOUR))[1]
    assert "0 persons, 0 orders" in told


def test_ac_p05_an_account_that_was_deleted_is_still_known(company: Company, email: str) -> None:
    """After "delete my data" the digest of the address leads to the pseudonym, and so to the orders."""
    order, _ = company.bought(email=email)
    company.browser(order).get(f"/orders/{order.id}/files/result.zip")
    forget(email, "ja")
    told = company.cli("affected", "--account", email, *times(company, HOUR, HOUR))[1]
    assert "asked to be forgotten" in told
    assert "1 persons, 1 orders, 1 downloads in this time" in told


def test_ac_p05_a_question_that_can_not_be_answered_is_refused(company: Company) -> None:
    """Neither, both, a key that is none of ours, an address that is none."""
    span = times(company, HOUR, HOUR)
    for words in ([], ["--object", "x", "--account", "a@example.jp"], ["--account", "nonsense"]):
        assert company.cli("affected", *words, *span)[0] == 2
    assert company.cli("affected", "--object", "logs/x", *span)[0] == 1
    assert company.cli("affected", "--account", "a@example.jp")[0] == 2
