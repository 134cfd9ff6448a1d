"""The payer's pages over plain HTTP, as a browser without JavaScript uses them."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

from tests.sandbox.conftest import Stripe


def get(api: Stripe, path: str, data: bytes | None = None) -> tuple[int, str, str]:
    """Open a page and give (status, path after redirects within the stand-in, page)."""
    try:
        with urllib.request.urlopen(api.base + path, data=data, timeout=20) as answer:
            return answer.status, answer.url.removeprefix(api.base), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.url.removeprefix(api.base), error.read().decode()
    except urllib.error.URLError:
        return 303, "shop", ""  # the shop's address is nobody's


def submit(api: Stripe, path: str, **fields: str) -> tuple[int, str, str]:
    """Send a form and give the same."""
    return get(api, path, urllib.parse.urlencode(fields).encode())
