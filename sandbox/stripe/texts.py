"""What the pages say, in Japanese and English, and how they write money and dates."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, request

from sandbox.stripe import clock, words_control, words_payer

_TEXTS = words_payer.TEXTS | words_control.TEXTS
_WEEKDAYS_JA = "月火水木金土日"
LANGUAGES = ("ja", "en")


def language(locale: str | None) -> str:
    """Choose ja or en: the session's locale, else what the browser prefers, else ja."""
    if locale and locale != "auto":
        return "ja" if locale == "ja" else "en"
    return request.accept_languages.best_match(LANGUAGES, "ja")


def say(lang: str, key: str, **values: object) -> str:
    """Give a text in a language."""
    return _TEXTS[key][LANGUAGES.index(lang)].format(**values)


def yen(lang: str, amount: int) -> str:
    """Write an amount: 1,500円 or ¥1,500."""
    return f"{amount:,}円" if lang == "ja" else f"¥{amount:,}"


def moment(lang: str, seconds: int) -> str:
    """Write a time in Japan: 2026年11月21日(土) 23:59, or Sat 21 Nov 2026, 23:59 JST."""
    at = datetime.fromtimestamp(seconds, clock.JST)
    if lang == "ja":
        return f"{at.year}年{at.month}月{at.day}日({_WEEKDAYS_JA[at.weekday()]}) {at:%H:%M}"
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M} JST"


def duration(lang: str, seconds: float) -> str:
    """Write a length of time in days, hours and minutes."""
    minutes = round(seconds / 60)
    parts = [(minutes // 1440, "日", " d"), (minutes // 60 % 24, "時間", " h"), (minutes % 60, "分", " min")]
    return " ".join(f"{n}{ja if lang == 'ja' else en}" for n, ja, en in parts if n)


def install(app: Flask) -> None:
    """Give the templates their helpers."""
    app.jinja_env.globals |= {"say": say, "yen": yen, "moment": moment, "duration": duration, "language": language}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
