"""What the law wants shown. A Japanese lawyer must read these pages before anything is sold with them.

Items of /legal/tokushoho: Act on Specified Commercial Transactions, art. 11, and what Stripe looks for before it lets a
shop take konbini payments (https://support.stripe.com/questions/enabling-konbini-payments-for-japan-based-stripe-accounts).
Of /legal/privacy: Act on the Protection of Personal Information, art. 21, 28 and 32. Privacy and terms are prose, one
template a language.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.catalog import Terms
from app.delivery.keeping import NOTICE
from app.errors import NotFoundError
from app.kit.ages import BACKUPS, UNPAID, UNPAID_AFTER_VOUCHER
from app.orders.keeping import MORE, TIMES
from app.portal import portal
from app.privacy.retention import RETENTION
from app.web.texts import locale

blueprint = Blueprint("legal", __name__, url_prefix="/legal")


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
        unpaid_days=UNPAID.days,
        voucher_days=UNPAID_AFTER_VOUCHER.days,
    )


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    """Show how personal data is handled; how long it is kept comes from the table that the job follows (AC-P01)."""
    return render_template(
        f"legal/privacy.{locale()}.html",
        seller=portal.catalog.seller,
        privacy=portal.catalog.privacy,
        days={name: rule.after.days for name, rule in RETENTION.items()},
        keep_days=sorted({product.keep_days for product in portal.catalog.products}),
        notice_days=NOTICE.days,
        more_days=MORE.days,
        more_times=TIMES,
        backup_days=BACKUPS.days,
    )


@blueprint.get("/terms")
def terms() -> ResponseReturnValue:
    """Show the terms of use; their version is stored with each order and payment (AC-T02)."""
    return _terms(f"legal/terms.{locale()}.html", portal.catalog.terms)


@blueprint.get("/terms/<version>")
def earlier_terms(version: str) -> ResponseReturnValue:
    """Show the terms of use as they were, for whoever ordered under them."""
    for found in portal.catalog.earlier_terms:
        if found.version == version:
            return _terms(f"legal/terms-{version}.{locale()}.html", found)
    if version == portal.catalog.terms.version:
        return terms()
    raise NotFoundError


def _terms(template: str, shown: Terms) -> str:
    catalog = portal.catalog
    earlier = [found.version for found in catalog.earlier_terms if found != shown]
    return render_template(template, seller=catalog.seller, terms=shown, current=catalog.terms.version, earlier=earlier)
