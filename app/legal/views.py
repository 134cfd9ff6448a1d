"""What the law wants shown."""

from flask import Blueprint, render_template

from app.web.texts import locale

blueprint = Blueprint("legal", __name__, url_prefix="/legal")


@blueprint.get("/tokushoho")
def tokushoho() -> str:
    """Show the seller and the conditions of sale (Act on Specified Commercial Transactions, art. 11)."""
    return render_template("legal/tokushoho.html")


@blueprint.get("/privacy")
def privacy() -> str:
    """Show how personal data is handled."""
    return render_template(f"legal/privacy.{locale()}.html")


@blueprint.get("/terms")
def terms() -> str:
    """Show the terms of use."""
    return render_template(f"legal/terms.{locale()}.html")
