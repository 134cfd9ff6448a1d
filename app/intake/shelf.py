"""What the home page says of each product: what it costs by each way to pay, and how long that takes."""

from flask_babel import gettext

from app.catalog import Offer, Product
from app.kit.money import yen
from app.portal import portal
from app.web.texts import file_size, locale


def facts(product: Product) -> list[tuple[str, str]]:
    """Return label and text: files taken, when to pay, then each payment method."""
    when = (
        gettext("You see a preview first, then pay.")
        if product.charge == "after_analysis"
        else gettext("You pay first, then the analysis starts.")
    )
    endings = " ".join(product.accepts)
    return [
        (
            gettext("Files"),
            gettext("%(endings)s, up to %(size)s", endings=endings, size=file_size(product.max_bytes)),
        ),
        (gettext("When to pay"), when),
        *((offer.method.name(locale()), _offer(offer)) for offer in portal.catalog.offers(product.price)),
    ]


def _offer(offer: Offer) -> str:
    total, days = yen(offer.total, locale()), offer.method.expires_after_days
    if not offer.available:
        least = yen(offer.available_from, locale())
        return str(gettext("Not available for this amount. Can be used from %(amount)s.", amount=least))
    if offer.handling:
        fee = yen(offer.handling, locale())
        total = gettext("%(total)s (with a handling fee of %(fee)s)", total=total, fee=fee)
    if days is None:
        return str(gettext("%(total)s. The result opens at once.", total=total))
    text = gettext("%(total)s. Pay in cash within %(days)s days. The result opens when the money has arrived.")
    return str(text) % {"total": total, "days": days}
