"""What every answer has in common, walked from the URL map so that a new route can't be forgotten."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.kit.ids import new_id
from tests.helpers import ROOT, Sandbox

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAMPLE = {"order_id": new_id(), "token": "x" * 43, "name": "result.zip", "filename": "dist/app.css"}


def address(rule: Rule) -> str:
    """Fill in a rule's variables with things that are nobody's."""
    return re.sub(r"<(?:[a-z]+:)?(\w+)>", lambda m: SAMPLE.get(m[1], new_id()), rule.rule)


def rules(app: Flask, method: str) -> list[Rule]:
    """List the routes that answer a method."""
    return [r for r in app.url_map.iter_rules() if method in (r.methods or set())]


def test_every_get_answers_strictly_and_never_breaks(app: Flask, client: FlaskClient) -> None:
    for rule in rules(app, "GET"):
        answer = client.get(address(rule))
        assert answer.status_code < 500, rule
        for name, value in EXPECTED.items():
            assert answer.headers[name] == value, rule
        answer.close()
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert re.search(r"script-src 'nonce-[\w-]{20,}' 'strict-dynamic'", policy), rule


def test_orders_of_nobody_are_not_found_on_every_route(app: Flask, client: FlaskClient) -> None:
    for rule in rules(app, "GET"):
        if "order_id" in rule.arguments:
            assert client.get(address(rule)).status_code == 404, rule


def test_ac_h04_every_form_needs_its_csrf_token(app: Flask, client: FlaskClient) -> None:
    for rule in rules(app, "POST"):
        answer = client.post(address(rule), data={"email": "a@b.jp"})
        expected = (400, 411) if rule.endpoint == "webhooks.stripe" else (400,)
        assert answer.status_code in expected, rule


def test_the_nonce_is_new_for_every_answer(client: FlaskClient) -> None:
    seen = {client.get("/").headers["Content-Security-Policy"] for _ in range(5)}
    assert len(seen) == 5


def test_ac_h05_an_unknown_host_is_refused(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example" not in answer.text


def test_an_error_is_a_page_in_the_readers_language(client: FlaskClient) -> None:
    japanese = client.get("/nowhere")
    english = client.get("/nowhere", headers={"Accept-Language": "en"})
    assert japanese.status_code == english.status_code == 404
    assert "見つかりません" in japanese.text
    assert re.search("can('|&#39;)t be found", english.text)
    assert japanese.headers["X-Request-Id"] in japanese.text


def test_an_error_is_json_where_json_was_asked_for(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert json.loads(answer.text)["error"]["code"] == "not_found"


def test_a_large_form_is_refused(client: FlaskClient) -> None:
    answer = client.post("/login", data={"email": "a" * 100_000})
    assert answer.status_code == 413
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_language_follows_the_browser_and_the_switch(client: FlaskClient) -> None:
    assert '<html lang="ja">' in client.get("/").text
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    assert '<html lang="en">' in client.get("/?lang=en").text
    assert '<html lang="en">' in client.get("/").text  # kept
    assert '<html lang="ja">' in client.get("/?lang=ja").text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operators_get_an_answer(client: FlaskClient, sandbox: Sandbox, path: str) -> None:
    assert sandbox.s3
    assert client.get(path).status_code == 200


def test_nothing_in_templates_is_inline() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        if "mail" in path.parts:
            continue  # mails have their styles inlined on purpose
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|<script(?![^>]*nonce)", text), path
        assert "_external" not in text, path
