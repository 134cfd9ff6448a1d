"""Languages and formats: Japanese first, English equal."""

from datetime import datetime
from urllib.parse import urlencode

from babel.dates import format_datetime
from flask import Flask, has_request_context, request, session, url_for
from flask_babel import Babel, get_locale

from app.kit.clock import JST
from app.kit.money import yen

LOCALES = ("ja", "en")
_MOMENT = {"ja": "yyyy年M月d日(EEE) HH:mm", "en": "EEE d MMM yyyy, HH:mm 'JST'"}
_DAY = {"ja": "yyyy年M月d日(EEE)", "en": "EEE d MMM yyyy"}


def locale() -> str:
    """Return the language of the current page or mail: "ja" or "en"."""
    return "en" if str(get_locale()) == "en" else "ja"


def jst(moment: datetime) -> str:
    """Write a moment in Japan's time: 2026年11月21日(土) 23:59."""
    return format_datetime(moment.astimezone(JST), _MOMENT[locale()], locale=locale())


def jst_date(moment: datetime) -> str:
    """Write a day in Japan's time: 2026年11月21日(土)."""
    return format_datetime(moment.astimezone(JST), _DAY[locale()], locale=locale())


def file_size(size: int) -> str:
    """Write a number of bytes for people: 12.3 MB."""
    amount = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":  # noqa: PLR2004
            return f"{amount:.1f}".removesuffix(".0") + f" {unit}"
        amount /= 1000
    return f"{size} B"


def _choose() -> str:
    if not has_request_context():
        return "ja"
    asked = request.args.get("lang", "")
    if asked in LOCALES:
        return asked
    kept = session.get("lang", "")
    if kept in LOCALES:
        return str(kept)
    return request.accept_languages.best_match(LOCALES, "ja")


def _lang_url(code: str) -> str:
    """Return the address of the same page in another language."""
    if request.endpoint is None:
        return url_for("intake.index", lang=code)
    # The visitor's own names (such as _scheme) must not become arguments of url_for.
    query = urlencode({**request.args.to_dict(), "lang": code})
    return f"{url_for(request.endpoint, **(request.view_args or {}))}?{query}"


def init_texts(app: Flask) -> None:
    """Give the application its languages and its filters."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(app.root_path) + "/../translations"
    app.config["BABEL_DEFAULT_LOCALE"] = "ja"
    Babel(app, locale_selector=_choose)

    @app.before_request
    def keep_language() -> None:
        asked = request.args.get("lang", "")
        if request.endpoint == "static":
            return  # kept by shared caches, and a cookie with it
        if asked in LOCALES and session.get("lang") != asked and request.method == "GET":
            session["lang"] = asked

    app.jinja_env.filters.update(
        yen=lambda amount: yen(amount, locale()), jst=jst, jst_date=jst_date, file_size=file_size
    )
    app.jinja_env.globals.update(lang_url=_lang_url)

    @app.context_processor
    def language() -> dict[str, str]:
        return {"current_locale": locale()}
