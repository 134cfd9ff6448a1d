"""Where the link's token must not turn up (AC-L11), with the real web server, worker and mail."""

import re
from pathlib import Path

from tests.helpers import Sandbox, wait_for
from tests.login.steps import Browser


def test_ac_l11_no_token_in_logs_and_nothing_travels_on(
    live: str, sandbox: Sandbox, folder: Path, backend: str, email: str
) -> None:
    """Neither link nor code is in a log; the link's page sends no referrer, is not kept, and loads nothing foreign."""
    browser = Browser(live)
    assert browser.post("/login", email=email)[0] == 303
    mail = wait_for(lambda: sandbox.mails(email), what="the login mail")[0]
    found = re.search(re.escape(live) + r"(/login/([\w-]{43}))\s", mail["text"])
    assert found, mail["text"]
    path, token = found.groups()
    status, page, headers = browser.get(path)
    assert status == 200
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert not re.findall(r'(?:src|href|action)="(?!/|data:|mailto:|#)[^"]+"', page)
    status, _, headers = browser.post(path)
    assert (status, headers["Location"]) == (303, "/history")
    assert browser.get(path)[0] == 410
    code = re.search(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b", mail["text"])
    assert code
    for log in [*folder.glob(f"web*-{backend}.log"), folder / f"worker-{backend}.log"]:
        text = log.read_text()
        assert token not in text
        assert code[0] not in text
