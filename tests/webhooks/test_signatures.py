"""AC-W01, W02, W15: who may tell us something."""

import json
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.gateways.stripe import BadSignatureError, StripeGateway
from app.kit.clock import from_unix
from app.portal import Portal
from app.settings import BadSettingsError, Settings, load_settings
from app.startup import must_be_fit
from tests.conftest import WEBHOOK_SECRET
from tests.webhooks.deliveries import deliver, encode, make_event, sign, stored

OTHER = "whsec_another_secret_of_somebody_else_000"


def v1(header: str) -> str:
    return header.partition(",")[2]


def stamp(header: str) -> str:
    return header.partition(",")[0]


REFUSED: dict[str, Callable[[bytes], str | None]] = {
    "none": lambda _body: None,
    "empty": lambda _body: "",
    "garbage": lambda _body: "t=now,v1=zz,,=,\u00e9",
    "v0 only": lambda body: sign(body).replace("v1=", "v0="),
    "wrong secret": lambda body: sign(body, OTHER),
    "right secret, wrong body": lambda body: sign(body + b" "),
    "re-serialised": lambda body: sign(json.dumps(json.loads(body)).encode()),
    "two v1, both wrong": lambda body: f"{sign(body, OTHER)},{v1(sign(body + b' '))}",
    "301 s old": lambda body: sign(body, late=302),
    "301 s ahead": lambda body: sign(body, late=-302),
    "10 years ahead": lambda body: sign(body, late=-315_360_000),
    "two headers, first wrong": lambda body: f"{sign(body, OTHER)}, {sign(body)}",
    "fresh stamp before an old signature": lambda body: f" t={int(time.time())},{sign(body, late=4000)}",
    "fresh stamp behind an odd one": lambda body: (
        f"{stamp(sign(body, late=4000))}=,t={int(time.time())},{v1(sign(body, late=4000))}"
    ),
}
TAKEN: dict[str, Callable[[bytes], str]] = {
    "plain": sign,
    "290 s old": lambda body: sign(body, late=290),
    "290 s ahead": lambda body: sign(body, late=-290),
    "two v1, new first": lambda body: f"{sign(body)},{v1(sign(body, OTHER))}",
    "two v1, old first": lambda body: f"{sign(body, OTHER)},{v1(sign(body))}",
    "v0 beside v1": lambda body: f"{sign(body)},v0=00",
}


@pytest.mark.parametrize("vector", REFUSED)
def test_ac_w01_a_bad_signature_is_refused_and_nothing_stored(vector: str, portal: Portal, client: FlaskClient) -> None:
    """Fourteen ways to be badly signed, future stamps included: 400, and no row."""
    event = make_event()
    body = encode(event)
    answer = deliver(client, body, REFUSED[vector](body))
    assert answer.status_code == 400
    assert stored(portal, event["id"]) is None


def test_ac_w01_one_changed_byte_is_refused(portal: Portal, client: FlaskClient) -> None:
    """A body changed by one byte after it was signed: 400, and no row."""
    event = make_event()
    body = encode(event)
    assert deliver(client, body.replace(b"false", b"fal5e"), sign(body)).status_code == 400
    assert stored(portal, event["id"]) is None


@pytest.mark.parametrize("vector", TAKEN)
def test_ac_w01_a_good_signature_is_taken(vector: str, portal: Portal, client: FlaskClient) -> None:
    """Each way to be well signed, the old and the new secret in either order included: 200, and a row."""
    event = make_event()
    body = encode(event)
    assert deliver(client, body, TAKEN[vector](body)).status_code == 200
    assert stored(portal, event["id"]) is not None


def test_ac_w01_the_headers_name_may_be_in_lower_case(portal: Portal, client: FlaskClient) -> None:
    """A header's name has no case: 200, and a row."""
    event = make_event()
    body = encode(event)
    assert deliver(client, body, None, **{"stripe-signature": sign(body)}).status_code == 200
    assert stored(portal, event["id"]) is not None


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b"{}", b"[" * 100_000, b'"\xff"', b"{", b'{"object": "event", "id": "evt_1"}']
)
def test_ac_w01_signed_nonsense_is_refused(body: bytes, client: FlaskClient) -> None:
    """What is signed and yet no event: 400."""
    try:
        header = sign(body)
    except UnicodeDecodeError:
        header = f"t={int(time.time())},v1=00"
    assert deliver(client, body, header).status_code == 400


@pytest.mark.parametrize(
    "secret", ["", " ", "whsec_", "whsec_short", f"{WEBHOOK_SECRET},", f" {WEBHOOK_SECRET}", "x" * 40]
)
def test_ac_w01_no_start_with_a_bad_secret(secret: str, settings: Settings) -> None:
    """An empty, blank, short or foreign secret: the portal refuses to start."""
    values = {**settings.model_dump(), "stripe_webhook_secrets": secret}
    with pytest.raises(BadSettingsError, match="STRIPE_WEBHOOK_SECRETS"):
        must_be_fit(load_settings(_env_file=None, **values))


def test_ac_w02_both_secrets_are_good_while_one_is_rolled(settings: Settings) -> None:
    """While a secret is rolled both are good; afterwards the old one is not."""
    body = encode(make_event())
    now = from_unix(time.time())

    def gateway(secrets: str) -> StripeGateway:
        return StripeGateway(
            load_settings(_env_file=None, **{**settings.model_dump(), "stripe_webhook_secrets": secrets})
        )

    for secret in (OTHER, WEBHOOK_SECRET):
        assert gateway(f"{OTHER},{WEBHOOK_SECRET}").verify_event(body, sign(body, secret), now)
    with pytest.raises(BadSignatureError):
        gateway(OTHER).verify_event(body, sign(body, WEBHOOK_SECRET), now)


def test_ac_w15_nothing_of_the_request_changes_the_secret(portal: Portal, client: FlaskClient) -> None:
    """No header and no parameter chooses another secret: 400, and no row."""
    event = make_event()
    body = encode(event)
    answer = client.post(
        f"/webhooks/stripe?secret={OTHER}&debug=1",
        data=body,
        headers={
            "Stripe-Signature": sign(body, OTHER),
            "X-Djstripe-Webhook-Secret": OTHER,
            "X-Webhook-Secret": OTHER,
        },
    )
    assert answer.status_code == 400
    assert stored(portal, event["id"]) is None
