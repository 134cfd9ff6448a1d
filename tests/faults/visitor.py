"""Whoever speaks HTTP to the house: a browser with cookies, or Stripe's hand with a signed event."""

import http.client
import json
import re
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 25.0


@dataclass(frozen=True)
class Answer:
    """What came back; `path` is what was asked for."""

    path: str
    status: int
    text: str
    headers: dict[str, str]

    def json(self) -> Any:
        """Return the answer's JSON."""
        return json.loads(self.text)

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.headers.get("location", "")


@dataclass
class Visitor:
    """One browser. Every answer that anybody got is kept in `seen`, which the house shares (I6)."""

    port: int
    seen: list[Answer]
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, timeout: float = TIMEOUT_S) -> Answer:
        """Ask for a page; raises OSError or HTTPException where there is no answer."""
        return self._ask("GET", path, None, {}, timeout)

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> Answer:
        """Send a form."""
        body = urllib.parse.urlencode(fields).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._ask("POST", path, body, form, TIMEOUT_S)

    def post_json(self, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON, as a script of the page does."""
        return self._ask(
            "POST", path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, TIMEOUT_S
        )

    def deliver(self, body: bytes, signature: str, timeout: float = TIMEOUT_S) -> Answer:
        """Send an event as Stripe does."""
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
        return self._ask("POST", "/webhooks/stripe", body, headers, timeout)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request(method, path, body, {**headers, **({"Cookie": jar} if jar else {})})
            got = connection.getresponse()
            for cookie in got.headers.get_all("Set-Cookie", []):
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            answer = Answer(
                path,
                got.status,
                got.read().decode(errors="replace"),
                {name.lower(): value for name, value in got.headers.items()},
            )
        finally:
            connection.close()
        self.seen.append(answer)
        return answer

    def token(self, path: str) -> str:
        """Return the CSRF token of a page's form."""
        page = self.get(path)
        found = re.search(r'(?:name="csrf_token" value|data-csrf)="([^"]*)"', page.text)
        assert found, (page.status, page.text)
        return found[1]
