"""Mails about an address itself: codes, changes, new devices."""

import re

import pytest

from app.kit.ids import digest, new_id, new_secret
from app.kit.login_secrets import code_hash, derive_codes
from app.login.sessions import start_session
from app.mail.jobs import Rendered, render
from app.mail.letters import NotNeededError
from app.models import AddressChange, LoginSession, Mail
from app.portal import Portal

AGENT = "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 <b>evil.example</b>"
LOCALES = ("ja", "en")


def a_login(portal: Portal) -> LoginSession:
    with portal.database.transaction() as session:
        return start_session(session, "words-of-mine@buy-now.example", "203.0.113.9", AGENT, portal.clock())[1]


def a_change(portal: Portal, *, used: bool = False) -> AddressChange:
    """Store a change whose addresses are made of words."""
    login, now, change_id = a_login(portal), portal.clock(), new_id()
    code = derive_codes(portal.signer, "address", change_id)[0]
    change = AddressChange(
        id=change_id,
        session_id=login.id,
        email=login.email,
        new_email="someone@new.example",
        code_hash=code_hash(portal.signer, "address", change_id, code),
        attempts=0,
        created_at=now,
        expires_at=now,
        consumed_at=now if used else None,
    )
    with portal.database.transaction() as session:
        session.add(change)
    return change


def letter(kind: str, locale: str, **params: str) -> Rendered:
    return render(Mail(id=new_id(), kind=kind, to="someone@new.example", locale=locale, params=params))


@pytest.mark.parametrize("locale", LOCALES)
def test_ac_l22_a_code_goes_to_strangers_without_any_word_of_the_asker(portal: Portal, locale: str) -> None:
    """The mail to an address that somebody typed holds the code, and neither the asker's address nor browser."""
    change = a_change(portal)
    mail = letter("address_code", locale, change=change.id)
    code = derive_codes(portal.signer, "address", change.id)[0]
    for part in (mail.text, mail.html):
        assert code in part
        assert not re.findall("words|buy-now|evil|Chrome", part)
    assert code not in mail.subject


def test_a_code_that_was_used_or_whose_key_is_gone_is_not_sent(portal: Portal) -> None:
    with pytest.raises(NotNeededError):
        letter("address_code", "ja", change=a_change(portal, used=True).id)
    change = a_change(portal)
    with portal.database.transaction() as session:
        session.get_one(AddressChange, change.id).code_hash = digest(new_secret())
    with pytest.raises(NotNeededError):
        letter("address_code", "ja", change=change.id)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("kind", "named"), [("address_changed_old", "s***@new"), ("address_changed_new", "w***@buy-now")]
)
def test_ac_l24_both_addresses_are_told_in_words(portal: Portal, kind: str, named: str, locale: str) -> None:
    """Each address learns when, and the other one masked; the old one what to do if that was somebody else."""
    mail = letter(kind, locale, change=a_change(portal, used=True).id)
    for part in (mail.text, mail.html):
        assert named in part
        assert "someone@" not in part
        if kind == "address_changed_old":
            assert part.count(portal.catalog.portal.support_email) == 2
    assert mail.subject


@pytest.mark.parametrize("locale", LOCALES)
def test_ac_l23_the_notice_names_device_and_network(portal: Portal, locale: str) -> None:
    """The notice of a new device says which, from where and what to do, and repeats nothing that the browser said."""
    mail = letter("new_device", locale, session=a_login(portal).id)
    for part in (mail.text, mail.html):
        assert "Chrome, Windows" in part
        assert "203.0.113.9" in part
        assert f"{portal.settings.public_url}/account" in part
        assert "evil" not in part


@pytest.mark.parametrize(
    ("kind", "param"), [("address_code", "change"), ("address_changed_old", "change"), ("new_device", "session")]
)
def test_nothing_is_sent_about_data_that_was_deleted_meanwhile(portal: Portal, kind: str, param: str) -> None:
    with pytest.raises(NotNeededError):
        letter(kind, "ja", **{param: new_id()})
