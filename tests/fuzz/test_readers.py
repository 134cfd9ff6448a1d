"""Functions that read what outsiders wrote: any text gives a value or the error that is theirs, never another one."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.catalog import BadCatalogError, load_catalog
from app.checkout.facts import read_session
from app.errors import PortalError
from app.gateways.stripe import BadSignatureError
from app.intake.forms import read_order
from app.intake.grants import SignRequest
from app.kit.addresses import BadAddressError, canonical, masked
from app.kit.clock import following_clock
from app.kit.devices import device_name
from app.kit.filenames import attachment, display_name, extension_of
from app.kit.ids import is_uuid
from app.kit.login_secrets import ALPHABET, code_matches, normal_code
from app.kit.signing import BadTokenError
from app.login.destinations import destination
from app.portal import Portal
from app.web.logs import one_line
from app.web.proxies import plain_address
from tests.conftest import WEBHOOK_SECRET
from tests.fuzz.strategies import as_json, fields, fuzz, header, json_body, plain_json, word
from tests.helpers import ROOT
from tests.webhooks.deliveries import sign

CATALOG = (ROOT / "catalog.toml").read_text(encoding="utf-8")
address_like = st.builds(lambda a, b, c: f"{a}@{b}.{c}", word, word, word) | st.emails()


@fuzz(150)
@given(word | address_like)
def test_ac_l17_any_text_is_an_address_in_one_form_or_refused(typed: str) -> None:
    """Any text: refused, or one ASCII address in lower case that stays what it is."""
    try:
        stored = canonical(typed)
    except BadAddressError:
        return
    assert stored.isascii()
    assert canonical(stored) == stored
    assert stored.partition("@")[0][:1] == masked(stored)[:1]


@fuzz(100)
@given(word)
def test_ac_u09_u10_any_file_name_can_be_shown_and_offered(raw: str) -> None:
    """Any text is a name that is safe to show, and a header that is pure ASCII on one line."""
    shown = display_name(raw)
    assert display_name(shown) == shown
    assert shown.isprintable() or all(not c.isascii() for c in shown if not c.isprintable())
    extension_of(raw)
    value = attachment(raw, "result.zip")
    assert value.isascii()
    assert value.isprintable()


@fuzz(100)
@given(word, word)
def test_small_readers_take_any_text(text: str, other: str) -> None:
    """Device names, ids, destinations, lines of a log, addresses of the network."""
    assert device_name(text).isprintable()
    assert "\n" not in one_line(text)
    is_uuid(text)
    destination(text, other)
    plain_address(text)


@fuzz(100)
@given(word)
def test_any_text_is_typed_as_a_code(portal: Portal, typed: str) -> None:
    """A code has one form, and none of these is the right one."""
    code = normal_code(typed)
    assert len(code) <= 60 * 18  # the longest that NFKC makes of one letter
    assert not code_matches(portal.signer, "login", "a-row", "0" * 64, typed)
    assert not set(ALPHABET) & set("0O1IL")


@fuzz(100)
@given(word | st.builds(lambda a, b, c: f"{a}.{b}.{c}", word, word, word))
def test_any_text_as_a_signed_token_is_refused(portal: Portal, token: str) -> None:
    """BadTokenError, and nothing else."""
    with pytest.raises(BadTokenError):
        portal.signer.read("pay-link", token, 60)


@fuzz(100)
@given(fields, st.booleans())
def test_any_order_form_is_read_or_refused(portal: Portal, form: dict[str, str], with_file: bool) -> None:  # noqa: FBT001
    """An order, or an error that names the field."""
    given_form = {"product": "csv-profile", "email": "a@example.jp", "locale": "ja", **form}
    try:
        asked = read_order(given_form, portal.catalog, with_file=with_file)
    except PortalError:
        return
    assert len(asked.filename) <= 120
    assert asked.size is None or asked.size <= asked.product.max_bytes


@fuzz(100)
@given(json_body | st.fixed_dictionaries(dict.fromkeys(SignRequest.model_fields, plain_json)).map(as_json))
def test_any_body_is_a_request_to_sign_or_refused(body: bytes) -> None:
    """ValidationError, and nothing else."""
    try:
        SignRequest.model_validate_json(body)
    except ValidationError:
        return


@fuzz(100)
@given(json_body, header)
def test_ac_w01_any_body_with_any_signature_is_refused(portal: Portal, body: bytes, signature: str) -> None:
    """BadSignatureError, and nothing else, for what Stripe did not sign."""
    with pytest.raises(BadSignatureError):
        portal.stripe.verify_event(body, signature, portal.clock())


@fuzz(100)
@given(json_body | plain_json.map(lambda value: as_json({"object": "event", "id": "evt_1", "data": value})))
def test_ac_w01_any_signed_body_is_an_event_or_refused(portal: Portal, body: bytes) -> None:
    """Signed as by Stripe: a dictionary with an id, or BadSignatureError."""
    try:
        signature = sign(body, WEBHOOK_SECRET)
    except UnicodeDecodeError:
        return
    try:
        event = portal.stripe.verify_event(body, signature, portal.clock())
    except BadSignatureError:
        return
    assert event["id"].startswith("evt_")


SESSION = {
    "id": "cs_1", "status": "complete", "payment_status": "paid", "amount_total": 1500, "currency": "jpy",
    "metadata": {"order_id": "x"}, "client_reference_id": "x", "mode": "payment", "customer": "cus_1",
    "customer_details": {"email": "a@example.jp"}, "expires_at": 1, "created": 1, "livemode": False, "url": None,
    "payment_intent": {"id": "pi_1", "status": "succeeded", "latest_charge": {"id": "ch_1", "refunds": {"data": []}}},
}  # fmt: skip


@fuzz(100)
@given(st.sets(st.sampled_from(sorted(set(SESSION) - {"id"}))), st.sampled_from(["gone", None]))
def test_ac_w14_a_session_may_lack_anything(lacking: set[str], value: str | None) -> None:
    """Any set of fields missing or null: read without a crash."""
    kept = {name: found for name, found in SESSION.items() if name not in lacking}
    read_session(kept if value else {**kept, **dict.fromkeys(lacking)})


@fuzz(100)
@given(st.data())
def test_any_catalog_is_good_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """The company's own file with anything written over a line of it, or not UTF-8: a catalog, or BadCatalogError."""
    lines = CATALOG.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    name, equals, _ = lines[at].partition("=")
    wrong = data.draw(word | plain_json.map(json.dumps))
    lines[at] = f"{name}{equals} {wrong}"
    path = tmp_path / "catalog.toml"
    path.write_text("\n".join(lines), encoding=data.draw(st.sampled_from(["utf-8", "cp932"])), errors="replace")
    try:
        load_catalog(path)
    except BadCatalogError:
        return


@fuzz(100)
@given(word | st.floats().map(str))
def test_any_clock_file_leaves_a_clock(tmp_path: Path, text: str) -> None:
    """What can't be read as seconds moves nothing."""
    path = tmp_path / "clock"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    assert following_clock(path)().tzinfo is not None
