"""Reading the list of orders off its page."""

import re
from urllib.parse import urlencode

from flask.testing import FlaskClient


def found(client: FlaskClient, **asked: str) -> list[str]:
    """Return the short ids that the list shows for a search."""
    answer = client.get(f"/staff/orders?{urlencode(asked | {'lang': 'en'})}")
    assert answer.status_code == 200, answer.text
    return shown(answer.text)


def shown(page: str) -> list[str]:
    """Return the short ids that a page of the list shows."""
    return re.findall(r'class="code">([0-9a-f]{8})</a>', page)
