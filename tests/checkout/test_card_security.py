"""AC-T05: 3-D Secure is asked for with every card, and the checklist of card security names what is there."""

import re
import tomllib
import urllib.error
from contextlib import suppress

import pytest
from flask.testing import FlaskClient

from app.checkout.settle import settle
from app.portal import Portal
from tests.checkout.shop import go_to_stripe, order_of
from tests.helpers import ROOT, Sandbox, reload

CHECKLIST = ROOT / "docs" / "card-security-checklist.md"
CHALLENGED = "4000 0027 6000 3184"  # https://docs.stripe.com/testing#regulatory-cards: always asks


def test_ac_t05_three_d_secure_is_asked_for(portal: Portal, client: FlaskClient) -> None:
    """Every Checkout Session by card asks for 3-D Secure; one by konbini has no card that could be asked."""
    made = {
        method: portal.stripe.retrieve_session(go_to_stripe(client, order_of(portal, client), method))
        for method in ("card", "konbini")
    }
    assert made["card"]["payment_method_types"] == ["card"]
    assert list(made["card"]["payment_method_options"]) == ["card"]
    assert made["card"]["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    assert made["konbini"]["payment_method_types"] == ["konbini"]
    assert list(made["konbini"]["payment_method_options"]) == ["konbini"]
    assert made["konbini"]["payment_method_options"]["konbini"]["expires_after_days"] == 3


@pytest.mark.parametrize(("answer", "money"), [("fail", "unpaid"), ("pass", "paid")])
def test_ac_t05_a_failed_authentication_pays_nothing(
    answer: str, money: str, portal: Portal, client: FlaskClient, sandbox: Sandbox
) -> None:
    """A card whose holder the bank could not authenticate opens nothing; one whose holder it knows does."""
    order = order_of(portal, client)
    session_id = go_to_stripe(client, order)
    with suppress(urllib.error.HTTPError):  # the stand-in's answer to a payer whose bank says no
        sandbox.control(f"sessions/{session_id}/pay_card", {"card_number": CHALLENGED, "three_d_secure": answer})
    settle(session_id)
    assert reload(portal, order).money == money


def test_ac_t05_the_checklist_names_tests_and_files_that_exist() -> None:
    """Each item of the card security guideline has a control, and what proves it is in the repository."""
    text = CHECKLIST.read_text(encoding="utf-8")
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    rows = [line.split("|") for line in text.splitlines() if re.match(r"\| [0-9]+\.[0-9]+ ", line)]
    assert len(rows) >= 15
    for row in rows:
        number, item, control, proof = (cell.strip() for cell in row[1:5])
        assert item, number
        assert control, number
        assert proof, number
    for name in set(re.findall(r"`(test_\w+)`", text)):
        assert f"def {name}(" in tests, name
    asked = tomllib.loads((ROOT / "docs" / "security-rows.toml").read_text(encoding="utf-8"))["asks"]
    assert set(re.findall(r"AC-([A-Z][0-9]{2})", text)) <= set(asked)
    for path in set(re.findall(r"`((?:app|deploy|docs|tests|requirements|templates)/[\w./-]+)`", text)):
        assert (ROOT / path).exists(), path
