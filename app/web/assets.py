"""Addresses of the built front end, with a fingerprint so that a browser may keep a file for a year."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, url_for

from app.portal import portal
from app.web.texts import locale


class PublicConfig:
    """All that templates and scripts may know of the settings and the catalog (DESIGN, rule 8)."""

    @property
    def portal_name(self) -> str:
        """Name of the portal in the page's language."""
        return portal.catalog.portal.name(locale())

    @property
    def support_email(self) -> str:
        """Where customers write to."""
        return portal.catalog.portal.support_email

    @property
    def terms_version(self) -> str:
        """Version of the terms of use, which a page that takes an order has to name (AC-T02)."""
        return portal.catalog.terms.version


@cache
def _fingerprint(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a built file of static/dist."""
    folder = Path(__file__).resolve().parents[2] / "static" / "dist"
    return url_for("static", filename=f"dist/{name}", v=_fingerprint(str(folder / name)))


def init_assets(app: Flask) -> None:
    """Give templates `asset` and `config_public`."""
    app.jinja_env.globals.update(asset=asset, config_public=PublicConfig())
