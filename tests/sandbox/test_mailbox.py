"""The mailbox: takes mail over SMTP, shows and lists it, keeps it over a restart."""

from __future__ import annotations

import smtplib
import urllib.request
from email.message import EmailMessage
from pathlib import Path

from tests.helpers import free_port
from tests.sandbox.conftest import call, running


def _mail(to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Kaiseki <portal@example.com>"
    mail["To"] = to
    mail["Subject"] = "解析結果のお知らせ"
    mail["X-Order"] = "42"
    mail.set_content("<i>こちらからどうぞ: http://127.0.0.1:8000/orders/1?a=1&b=2。\n<b>太字ではない</b>\n")
    mail.add_alternative('<p>結果 <a href="http://127.0.0.1:8000/x">開く</a><script>alert(1)</script></p>', "html")
    return mail


def test_mails_are_kept_listed_and_shown(tmp_path: Path) -> None:
    web, smtp = free_port(), free_port()
    base = f"http://127.0.0.1:{web}"
    ports = {"SANDBOX_MAILBOX_PORT": str(web), "SANDBOX_SMTP_PORT": str(smtp)}
    with (
        running("sandbox.mailbox", tmp_path, f"{base}/healthz", **ports),
        smtplib.SMTP("127.0.0.1", smtp, timeout=10) as server,
    ):
        server.send_message(_mail("hanako@example.com"))
        server.send_message(_mail("taro@example.com"))
    with running("sandbox.mailbox", tmp_path, f"{base}/healthz", **ports):
        newest, oldest = call("GET", f"{base}/api/messages")[1]
        assert (newest["to"], oldest["to"]) == (["taro@example.com"], ["hanako@example.com"])
        (mail,) = call("GET", f"{base}/api/messages?to=Hanako@example.com")[1]
        assert mail["subject"] == "解析結果のお知らせ"
        assert mail["from"] == "portal@example.com"
        assert "こちらからどうぞ" in mail["text"]
        assert "<p>結果" in mail["html"]
        assert mail["headers"]["X-Order"] == "42"
        assert mail["received"].endswith("+00:00")

        with urllib.request.urlopen(f"{base}/messages/{mail['id']}", timeout=10) as answer:
            page = answer.read().decode()
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        link = '<a href="http://127.0.0.1:8000/orders/1?a=1&amp;b=2" target="_blank" rel="noopener">'
        text = page.partition('class="mail-text">')[2].partition("</div>")[0]
        assert link in text
        assert "&lt;b&gt;太字ではない" in text
        assert "&lt;i&gt;こちら" in text
        assert "<script>" not in page
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page

        assert call("GET", f"{base}/api/messages?to=nobody@example.com")[1] == []
        assert call("DELETE", f"{base}/api/messages")[0] == 200
        assert call("GET", f"{base}/api/messages")[1] == []
