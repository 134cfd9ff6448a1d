"""The mailbox as a Flask program: pages to read the mails, a JSON API for tests, and the SMTP server."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from sandbox import config
from sandbox.mailbox import smtp
from sandbox.mailbox.store import Mail, Store

_JST = timezone(timedelta(hours=9))
_URL = re.compile(r"https?://[!#-&*-;=?-Z_a-z~]*[#-&*+/-9=@-Z_a-z~]")
# What a mail's HTML may do: look like itself, load nothing, run nothing.
_CSP = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; form-action 'self'"
)

_TEXTS = {
    "title": ("メールボックス", "Mailbox"),
    "stand_in": (
        "メールの代役です。ここから外へは送られません。",
        "Stand-in for mail: nothing leaves this machine.",
    ),
    "none": ("まだメールはありません。", "No mail yet."),
    "clear": ("すべて消す", "Delete all"),
    "all": ("一覧に戻る", "All mails"),
    "from": ("差出人", "From"),
    "to": ("宛先", "To"),
    "received": ("受信", "Received"),
    "no_subject": ("(件名なし)", "(no subject)"),
    "text": ("テキスト版", "Text version"),
    "html": ("HTML 版", "HTML version"),
    "raw": ("ソース", "Source"),
}


def say(key: str) -> str:
    """Give a text in the language that the browser prefers."""
    return _TEXTS[key][0 if language() == "ja" else 1]


def language() -> str:
    """Choose ja or en."""
    return request.accept_languages.best_match(("ja", "en"), "ja")


def linked(text: str) -> Markup:
    """Escape a mail's text and make its addresses links that open beside the mailbox."""
    parts, end = [], 0
    for match in _URL.finditer(text):
        url = escape(match[0])
        link = Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(url, url)
        parts += [escape(text[end : match.start()]), link]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def moment(mail: Mail) -> str:
    """Write the time of receipt in Japan."""
    return f"{datetime.fromisoformat(mail.received).astimezone(_JST):%Y-%m-%d %H:%M:%S} JST"


def create_app() -> Flask:
    """Wire the program over SANDBOX_DIR/mailbox.sqlite3 and start the SMTP server."""
    settings = config.load()
    store = Store(settings.dir / "mailbox.sqlite3")
    app = Flask(__name__, static_folder="../static", static_url_path="/_static")
    app.jinja_env.globals |= {"say": say, "linked": linked, "moment": moment, "language": language}
    _pages(app, store)
    _api(app, store)
    smtp.start(store, settings.smtp_port)
    return app


def _pages(app: Flask, store: Store) -> None:
    @app.get("/")
    def list_mails() -> ResponseReturnValue:
        return render_template("list.html", mails=store.all())

    @app.get("/messages/<int:mail_id>")
    def show_mail(mail_id: int) -> ResponseReturnValue:
        mail = store.get(mail_id)
        if mail is None:
            abort(404)
        return render_template("mail.html", mail=mail, raw=mail.raw.decode(errors="replace"))

    @app.post("/clear")
    def clear() -> ResponseReturnValue:
        store.clear()
        return redirect("/", 303)

    @app.after_request
    def restrict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _CSP
        return response


def _api(app: Flask, store: Store) -> None:
    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    @app.get("/api/messages")
    def messages() -> ResponseReturnValue:
        return jsonify(store.shown(request.args.get("to")))

    @app.delete("/api/messages")
    def delete() -> ResponseReturnValue:
        store.clear()
        return {"deleted": True}
