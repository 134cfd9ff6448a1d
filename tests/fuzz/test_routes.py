"""Every route of the URL map with anything in path, query, headers, cookies and body: an answer, and never a 500."""

import contextlib
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.cast import HOST, Cast, browser_of
from tests.fuzz.routes import address, rules
from tests.fuzz.strategies import cookies, escaped, fields, fuzz, header, headers, json_body, query, word
from tests.login.steps import csrf_of

KINDS = ("stranger", "buyer", "customer", "staff")
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain", "")

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def looks_fine(answer: TestResponse) -> None:
    """Refused or served, in one piece."""
    with contextlib.closing(answer):
        assert answer.status_code < 500, answer.text
        assert b"Traceback" not in answer.data
        assert len(answer.headers.getlist("Location")) <= 1
        assert not answer.headers.get("Location", "").startswith(("//", "http://evil", "https://evil", "javascript:"))


def each(app: Flask, method: str, examples: int, **parts: st.SearchStrategy[object]) -> Decorator:
    """Run a function for each route with drawn parts; a failure names the route."""

    def run(ask: Callable[..., None]) -> Callable[..., None]:
        for rule in rules(app, method):
            try:
                fuzz(examples)(given(**parts)(_about(ask, rule)))()
            except BaseException as error:
                error.add_note(f"{method} {rule.rule}")
                raise
        return ask

    return run


def _about(ask: Callable[..., None], rule: Rule) -> Callable[..., None]:
    """Return the function about one route; hypothesis takes no partial ones."""

    def one(**drawn: object) -> None:
        ask(rule, **drawn)

    return one


def as_person(app: Flask, cast: Cast, kind: str) -> FlaskClient:
    return cast.enter(browser_of(app), kind)


def values_of(cast: Cast, chosen: int) -> dict[str, str]:
    """Return what fits into a route's variables, about one of the customer's orders."""
    orders = list(cast.orders.values())
    order = orders[chosen % len(orders)]
    return {"order_id": order.id, "name": "result.zip", "filename": "dist/app.css", "token": "x" * 43}


person = st.sampled_from(KINDS)
order_number = st.integers(0, 30)


def test_any_query_at_every_get(app: Flask, cast: Cast) -> None:
    """Names that the portal reads, and others, with any values."""

    @each(app, "GET", 10, kind=person, chosen=order_number, text=query)
    def _ask(rule: Rule, *, kind: str, chosen: int, text: str) -> None:
        client = as_person(app, cast, kind)
        looks_fine(client.get(f"{address(rule, values_of(cast, chosen))}?{text}", buffered=True))


def test_any_path_at_every_get(app: Flask, cast: Cast) -> None:
    """Any text in the place of ids, names and tokens."""

    @each(app, "GET", 6, kind=person, text=escaped)
    def _ask(rule: Rule, *, kind: str, text: str) -> None:
        looks_fine(as_person(app, cast, kind).get(address(rule, {}, text), buffered=True))


@fuzz(80)
@given(escaped, escaped, person)
def test_any_address_at_all(app: Flask, cast: Cast, first: str, second: str, kind: str) -> None:
    looks_fine(as_person(app, cast, kind).get(f"/a{first}/{second}", buffered=True))


def test_any_headers_and_cookies_at_every_get(app: Flask, cast: Cast) -> None:
    """Languages, origins, ranges, forwarded addresses, and cookies that nobody gave."""

    @each(app, "GET", 8, kind=person, chosen=order_number, sent=headers, kept=cookies)
    def _ask(rule: Rule, *, kind: str, chosen: int, sent: dict[str, str], kept: dict[str, str]) -> None:
        client = as_person(app, cast, kind)
        for name, value in kept.items():
            client.set_cookie(name, value, domain=HOST)
        looks_fine(client.get(address(rule, values_of(cast, chosen)), headers=sent, buffered=True))


@fuzz(60)
@given(header, header)
def test_any_host_and_cookie_line(client: FlaskClient, host: str, line: str) -> None:
    """Another host is refused before anything is read."""
    looks_fine(client.get("/", headers={"Host": host, "Cookie": line}, buffered=True))
    looks_fine(client.get("/history", headers={"Cookie": line}, buffered=True))


@pytest.mark.parametrize("kind", KINDS)
def test_any_form_at_every_post(app: Flask, cast: Cast, kind: str) -> None:
    """A form with its CSRF token and anything else in it."""

    @each(app, "POST", 5, chosen=order_number, form=fields)
    def _ask(rule: Rule, *, chosen: int, form: dict[str, str]) -> None:
        client = as_person(app, cast, kind)
        token = csrf_of(client.get("/login/code").text)
        looks_fine(
            client.post(address(rule, values_of(cast, chosen)), data={**form, "csrf_token": token}, buffered=True)
        )


def test_any_body_at_every_post(app: Flask, cast: Cast) -> None:
    """JSON, half JSON and any bytes, said to be of any type."""

    @each(
        app, "POST", 10, kind=person, chosen=order_number, body=json_body | word.map(_bytes), of=st.sampled_from(TYPES)
    )
    def _ask(rule: Rule, *, kind: str, chosen: int, body: bytes, of: str) -> None:
        client = as_person(app, cast, kind)
        token = csrf_of(client.get("/login/code").text)
        sent = {"X-CSRFToken": token, "Content-Type": of, "Accept": "application/json"}
        looks_fine(client.post(address(rule, values_of(cast, chosen)), data=body, headers=sent, buffered=True))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
