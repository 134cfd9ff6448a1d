"""The code of the mail: for the browser that asked, five tries."""

import pytest
from flask.testing import FlaskClient

from app.kit.login_secrets import ALPHABET, normal_code
from app.portal import Portal
from tests.login.steps import ask, mailed, post, requests_of, sessions_of


def test_the_code_logs_in_where_it_was_asked_for(client: FlaskClient, portal: Portal, email: str) -> None:
    ask(client, email)
    code = mailed(portal, email).code
    assert post(client, "/login/code", code=f" {code.lower().replace('-', ' ')} ").status_code == 303
    assert client.get("/account").status_code == 200
    assert post(client, "/login/code", code=code).status_code == 422


def test_ac_l06_the_code_is_nothing_in_another_browser(
    client: FlaskClient, stranger: FlaskClient, portal: Portal, email: str
) -> None:
    """The code logs in only in the browser that asked for it."""
    ask(client, email)
    code = mailed(portal, email).code
    assert post(stranger, "/login/code", code=code).status_code == 422  # no nonce
    ask(stranger, f"other-{email}")
    assert post(stranger, "/login/code", code=code).status_code == 422  # the nonce of another request
    assert sessions_of(portal, email) == []
    assert post(client, "/login/code", code=code).status_code == 303


def test_ac_l06_five_tries(client: FlaskClient, portal: Portal, email: str) -> None:
    """After five wrong codes the right one is worth nothing; the link of the mail still works."""
    ask(client, email)
    code = mailed(portal, email).code
    wrong = ALPHABET[0] * 8 if code[0] != ALPHABET[0] else ALPHABET[1] * 8
    for _ in range(5):
        assert post(client, "/login/code", code=wrong).status_code == 422
    assert post(client, "/login/code", code=code).status_code == 422
    assert requests_of(portal, email)[0].attempts == 5
    # The link of the same mail is not hurt by somebody's guessing.
    assert post(client, f"/login/{mailed(portal, email).token}").status_code == 303


def test_four_wrong_tries_do_not_hurt(client: FlaskClient, portal: Portal, email: str) -> None:
    ask(client, email)
    for _ in range(4):
        post(client, "/login/code", code="")
    assert post(client, "/login/code", code=mailed(portal, email).code).status_code == 303


def test_the_code_of_the_mail_before_works_after_asking_again(client: FlaskClient, portal: Portal, email: str) -> None:
    ask(client, email)
    first = mailed(portal, email).code
    ask(client, email)
    assert post(client, "/login/code", code=first).status_code == 303


@pytest.mark.parametrize("typed", ["abcd2345", "ABCD-2345", "ＡＢＣＤ−２３４５", " ab cd 23 45 "])
def test_what_people_type(typed: str) -> None:
    assert normal_code(typed) == "ABCD-2345"
