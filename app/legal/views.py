"""What the law wants shown. A Japanese lawyer must read these pages before anything is sold with them.

Items of /legal/tokushoho: Act on Specified Commercial Transactions, art. 11 (security-bar 5.4, AC-T). Privacy
and terms are prose, one template a language.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.orders.access import PAY_LINK_LIFE_S
from app.portal import portal
from app.web.texts import locale

blueprint = Blueprint("legal", __name__, url_prefix="/legal")

DAY_S = 86_400


@blueprint.get("/tokushoho")
def tokushoho() -> ResponseReturnValue:
    """Show the seller and the conditions of sale, every number taken from the catalog."""
    catalog = portal.catalog
    return render_template(
        "legal/tokushoho.html",
        seller=catalog.seller,
        terms=catalog.terms,
        invoice_number=catalog.portal.invoice_number,
        methods=catalog.methods,
        products=[(product, catalog.offers(product.price)) for product in catalog.products],
        pay_link_days=PAY_LINK_LIFE_S // DAY_S,
    )


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    """Show how personal data is handled (Act on the Protection of Personal Information)."""
    return render_template(f"legal/privacy.{locale()}.html", seller=portal.catalog.seller)


@blueprint.get("/terms")
def terms() -> ResponseReturnValue:
    """Show the terms of use; their version is stored with each payment (AC-T02)."""
    catalog = portal.catalog
    return render_template(f"legal/terms.{locale()}.html", seller=catalog.seller, terms=catalog.terms)
