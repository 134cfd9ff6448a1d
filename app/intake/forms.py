"""What the order form sends, read and checked before anything is made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.catalog import Catalog, Product
from app.errors import BadInputError
from app.kit.addresses import BadAddressError, canonical
from app.kit.filenames import display_name, extension_of
from app.web.texts import LOCALES, locale

_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class NewOrder:
    """A checked form. `size` (bytes) is what the browser says of the file, if it does."""

    product: Product
    email: str
    locale: str
    filename: str
    size: int | None


def read_order(form: Mapping[str, str], catalog: Catalog, *, with_file: bool) -> NewOrder:
    """Check the order form; raises BadInputError that names the field.

    `with_file`: the file's name and size must be said. Without JavaScript the file comes later and without a
    name, so it gets one of a kind that the product takes.
    """
    product = catalog.product(form.get("product", ""))
    if product is None:
        raise BadInputError("unknown_product", field="product")
    if with_file and not (form.get("filename") and form.get("size")):
        raise BadInputError("no_file", field="file")
    return NewOrder(
        product=product,
        email=_email(form.get("email", "")),
        locale=_locale(form.get("locale", "")),
        filename=_filename(form.get("filename", ""), product),
        size=_size(form.get("size", ""), product),
    )


def _email(text: str) -> str:
    try:
        return canonical(text)
    except BadAddressError:
        raise BadInputError("bad_email", field="email") from None


def _locale(text: str) -> str:
    if text and text not in LOCALES:
        raise BadInputError(field="locale")
    return text or locale()


def _filename(text: str, product: Product) -> str:
    if not text:
        return f"file{product.accepts[0]}"
    name = display_name(text)
    if extension_of(name) not in product.accepts:
        raise BadInputError("wrong_type", field="file")
    return name


def _size(text: str, product: Product) -> int | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise BadInputError(field="file")
    size = int(text)
    if size == 0:
        raise BadInputError("empty_file", field="file")
    if size > product.max_bytes:
        raise BadInputError("too_large", field="file")
    return size
