"""Every secret opens one kind of door (AC-L25)."""

from flask.testing import FlaskClient

from app.kit.ids import digest, new_secret
from app.kit.login_secrets import CodePurpose, derive_codes, derive_secrets
from app.portal import Portal
from tests.helpers import make_order
from tests.login.steps import (
    ask,
    code_for_new_address,
    cookie,
    drop_cookie,
    log_in,
    mailed,
    post,
    session_cookie,
    set_cookie,
)

COOKIES = ("session", "claim", "device", "login")


def test_ac_l25_no_cookie_is_worth_anything_under_another_name(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """Session, claim, device and login nonce can't be exchanged for each other, nor used as a link."""
    claim = new_secret()
    set_cookie(client, "claim", claim)
    order = make_order(portal, claim_hash=digest(claim))
    own = make_order(portal, email=email)
    ask(client, email)
    secrets = {"login": cookie(client, "login") or ""}
    log_in(client, portal, email)
    secrets |= {name: cookie(client, name) or "" for name in ("session", "claim", "device")}
    assert len(set(secrets.values())) == len(COOKIES)
    for kind, secret in secrets.items():
        assert post(stranger, f"/login/{secret}").status_code == 410
        for name in COOKIES:
            if name == kind:
                continue
            set_cookie(stranger, name, secret)
            for page in ("/account", f"/orders/{order.id}", f"/orders/{own.id}", "/history"):
                assert stranger.get(page).status_code in {302, 404}, (kind, name, page)
            drop_cookie(stranger, name)
    set_cookie(stranger, "claim", secrets["claim"])
    assert stranger.get(f"/orders/{order.id}").status_code == 200


def test_ac_l25_pay_links_and_login_links_stay_apart(client: FlaskClient, portal: Portal, email: str) -> None:
    """A pay link's token logs nobody in; a login link's token, a claim or a session pays nothing."""
    order = make_order(portal, email=email, state="analysed")
    pay = portal.signer.sign("pay-link", order.id)
    assert client.get(f"/orders/{order.id}/pay?t={pay}").status_code == 200
    assert post(client, f"/login/{pay}").status_code == 410
    set_cookie(client, "session", pay)
    assert client.get("/account").status_code == 302
    drop_cookie(client, "session")
    ask(client, email)
    for token in (mailed(portal, email).token, order.claim_hash or "", session_cookie(client), new_secret()):
        assert client.get(f"/orders/{order.id}/pay?t={token or 'x'}").status_code == 410


def test_ac_l25_a_code_is_for_one_purpose(client: FlaskClient, portal: Portal, email: str) -> None:
    """The code of a login changes no address, and the code for a new address logs nobody in."""
    log_in(client, portal, email)
    post(client, "/account/email", email=f"x{email}")
    for_change = code_for_new_address(portal, email)
    ask(client, f"x{email}")
    for_login = mailed(portal, f"x{email}").code
    assert for_change != for_login
    assert post(client, "/login/code", code=for_change).status_code == 422
    assert post(client, "/account/email/code", code=for_login).status_code == 422
    assert post(client, "/account/email/code", code=for_change).status_code == 303


def test_ac_l25_secrets_of_one_row_differ_by_purpose(portal: Portal) -> None:
    """Derived from the same id by the same key, token and codes of each purpose have nothing in common."""
    row = new_secret()
    purposes: tuple[CodePurpose, ...] = ("login", "address")
    found = [derive_codes(portal.signer, purpose, row)[0] for purpose in purposes]
    token = derive_secrets(portal.signer, row)[0].token
    assert len({*found, token, digest(token)}) == len(found) + 2
