"""What is sold and how it can be paid, from catalog.toml.

The fee of a payment method is worked out here for every product, so that a fee which eats the price is seen on
the first day (`portal check`) and not on the day before the release.
"""

import re
import tomllib
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.kit.money import share_of

MethodKey = Literal["card", "konbini"]
BANK_TRANSFER = "bank_transfer"
"""The method of money that staff found on the company's bank account: it is not offered, and Stripe knows nothing."""
Verdict = Literal["ok", "warn", "refused"]
Yen = Annotated[int, Field(ge=0, strict=True)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]

# Stripe shows at most 1,200 characters beside its button (https://docs.stripe.com/api/checkout/sessions/create), where
# delivery and refund are told once more with some words around them.
MAX_PROMISES = 900


class BadCatalogError(SystemExit):
    """The catalog can't be sold from; the text names file, line and reason."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Strict):
    """A text in both languages of the portal."""

    ja: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def __call__(self, locale: str) -> str:
        """Return the text in a language; Japanese unless English is asked for."""
        return self.en if locale == "en" else self.ja


_BANK_TRANSFER = Text(ja="銀行振込", en="Bank transfer")


class PortalFacts(_Strict):
    """Who this portal is; `id` marks its Checkout Sessions on a shared Stripe account."""

    id: Key
    name: Text
    support_email: str
    invoice_number: Annotated[str, Field(pattern=r"^(T\d{13})?$")] = ""


class Seller(_Strict):
    """The company, as Japan's Act on Specified Commercial Transactions (art. 11) wants it shown."""

    name: Text
    representative: Text
    address: Text
    phone: str
    hours: Text
    email: str


class Terms(_Strict):
    """What the seller promises. The version is stored with each order and each payment (AC-T02).

    The prose to a version stands in templates/legal: `terms.<language>.html` today's, `terms-<version>.<language>.html`
    that of an earlier one.
    """

    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,39}$")]
    refund: Text
    delivery: Text
    environment: Text

    @model_validator(mode="after")
    def _fits_at_stripe(self) -> "Terms":
        for name in ("ja", "en"):
            if len(getattr(self.refund, name)) + len(getattr(self.delivery, name)) > MAX_PROMISES:
                raise ValueError(f"refund and delivery together have more than {MAX_PROMISES} characters ({name})")
        return self


class Privacy(_Strict):
    """What only the seller knows of /legal/privacy: when its text was last changed, and where the data is kept."""

    revised: str
    storage: Text


class PaymentRules(_Strict):
    """What the portal does with money by itself; nothing unless it is told to."""

    refund_double: bool = False


class RefundRules(_Strict):
    """What staff may send back. Above `two_people_above` yen an order a second person must agree (AC-S03)."""

    two_people_above: Yen = 10_000


class Uploads(_Strict):
    """What happens to files before they are analysed. `scan` names the virus scanner (AC-U06).

    `clamd` is where ClamAV's daemon listens: host:port, or the path of its socket; `clamd_max_bytes` is its own
    limit (the least of StreamMaxLength, MaxFileSize and MaxScanSize in clamd.conf; never more than 2 GiB): what is
    larger it would call clean without having read it to the end.
    """

    scan: Literal["none", "clamd", "guardduty-tag"] = "none"
    clamd: Annotated[str, Field(pattern=r"^(/.+|[^/]+:\d{1,5})?$")] = ""
    clamd_max_bytes: Annotated[int, Field(gt=0, lt=2**31)] = 100_000_000

    @model_validator(mode="after")
    def _clamd_is_somewhere(self) -> "Uploads":
        if self.scan == "clamd" and not self.clamd:
            raise ValueError('scan = "clamd" needs clamd, such as "127.0.0.1:3310" or "/run/clamav/clamd.ctl"')
        return self


class Product(_Strict):
    """One analysis for sale. Price in yen with tax, sizes in bytes, times in seconds.

    `disk_limit` is the largest file that the program may write, `at_once` how many of its analyses run at a time,
    `keep_days` how long a result is kept. `task` names the ECS task definition that runs it where COMPUTE=fargate.
    """

    key: Key
    name: Text
    summary: Text
    price: Annotated[int, Field(ge=1, le=9_999_999, strict=True)]
    charge: Literal["after_analysis", "before_analysis"] = "after_analysis"
    command: Annotated[list[str], Field(min_length=1)]
    accepts: Annotated[list[Annotated[str, Field(pattern=r"^\.[a-z0-9]+$")]], Field(min_length=1)]
    max_bytes: Annotated[int, Field(gt=0)]
    time_limit: Annotated[int, Field(gt=0)]
    memory_limit: Annotated[int, Field(ge=64 * 1024 * 1024)]
    disk_limit: Annotated[int, Field(gt=0)] = 16 * 1024**3
    at_once: Annotated[int, Field(ge=1)] = 2
    keep_days: Annotated[int, Field(ge=14, le=3650)] = 180
    task: str | None = None


class Method(_Strict):
    """A way to pay. `fee_rate` and `fee_min` are what Stripe keeps; `fee` says who bears it."""

    key: MethodKey
    name: Text
    fee_rate: Decimal
    fee_min: Yen
    min_amount: Yen
    max_amount: Yen
    expires_after_days: Annotated[int, Field(ge=1, le=60)] | None = None
    fee: Literal["absorb", "pass_on"]
    warn_above: Annotated[Decimal, Field(ge=0, le=1)]
    refuse_above: Annotated[Decimal, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _konbini_has_days(self) -> "Method":
        if (self.key == "konbini") != (self.expires_after_days is not None):
            raise ValueError("expires_after_days belongs to konbini, and konbini needs it")
        return self

    def fee_on(self, amount: int) -> int:
        """Return what Stripe keeps of a payment of `amount` yen, in yen."""
        return max(self.fee_min, share_of(amount, self.fee_rate))

    def handling_on(self, price: int) -> int:
        """Return the handling fee in yen that makes the customer bear Stripe's fee; 0 where the seller does.

        The fee is also charged on the handling fee itself, so the smallest sum that covers both is sought.
        """
        if self.fee == "absorb":
            return 0
        handling = self.fee_on(price)
        while self.fee_on(price + handling) > handling:
            handling = self.fee_on(price + handling)
        return handling

    def smallest_fair_price(self) -> int:
        """Return the lowest price in yen at which the fee stays within `refuse_above`."""
        if self.fee_rate > self.refuse_above:
            return self.max_amount + 1
        price = max(self.min_amount, int(self.fee_min / self.refuse_above) if self.refuse_above else 0)
        while Decimal(self.fee_on(price)) > self.refuse_above * price:
            price += 1
        return price


class Offer(BaseModel):
    """One product by one method: what the customer pays and what it costs. All amounts in yen."""

    model_config = ConfigDict(frozen=True)

    method: Method
    price: int
    handling: int
    total: int
    fee: int
    share: Decimal
    verdict: Verdict
    available_from: int

    @property
    def available(self) -> bool:
        """Whether the customer may choose this method."""
        return self.verdict != "refused"


class Catalog(_Strict):
    """The whole of catalog.toml."""

    portal: PortalFacts
    seller: Seller
    terms: Terms
    earlier_terms: list[Terms] = []
    privacy: Privacy
    payments: PaymentRules = PaymentRules()
    refunds: RefundRules = RefundRules()
    uploads: Uploads = Uploads()
    products: Annotated[list[Product], Field(min_length=1)]
    methods: Annotated[list[Method], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_are_unique(self) -> "Catalog":
        keys_of: dict[str, list[str]] = {
            "products": [p.key for p in self.products],
            "methods": [m.key for m in self.methods],
            "terms": [t.version for t in (self.terms, *self.earlier_terms)],
        }
        for name, keys in keys_of.items():
            twice = {k for k in keys if keys.count(k) > 1}
            if twice:
                raise ValueError(f"{name}: {', '.join(sorted(twice))} is used twice")
        return self

    @cached_property
    def _products(self) -> dict[str, Product]:
        return {p.key: p for p in self.products}

    def product(self, key: str) -> Product | None:
        """Return the product of this key, or None where it is not sold (any more)."""
        return self._products.get(key)

    def method_names(self, locale: str) -> dict[str, str]:
        """Return what every method of a payment is called in a language, by its key; bank transfers are not offered."""
        offered = {str(method.key): method.name(locale) for method in self.methods}
        return {**offered, BANK_TRANSFER: _BANK_TRANSFER(locale)}

    def offers(self, price: int) -> list[Offer]:
        """Return every payment method for a price in yen, refused ones included with the price they start at."""
        return [offer(method, price) for method in self.methods]


def offer(method: Method, price: int) -> Offer:
    """Work out what paying `price` yen by a method costs, and whether it may be offered."""
    handling = method.handling_on(price)
    total = price + handling
    fee = method.fee_on(total)
    # The share is of the price alone: a handling fee of 60 % is as absurd for the customer as for the seller.
    share = Decimal(fee) / price
    verdict: Verdict = "ok"
    if share > method.refuse_above or not method.min_amount <= total <= method.max_amount:
        verdict = "refused"
    elif share > method.warn_above:
        verdict = "warn"
    return Offer(
        method=method,
        price=price,
        handling=handling,
        total=total,
        fee=fee,
        share=share,
        verdict=verdict,
        available_from=method.smallest_fair_price(),
    )


def load_catalog(path: Path) -> Catalog:
    """Read the catalog; raises BadCatalogError with file, line and reason for everything that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadCatalogError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadCatalogError(f"{path}: is not UTF-8 (byte {error.start})") from None
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError; numbers and nesting beyond what Python reads
        raise BadCatalogError(f"{path}: {error}") from None
    try:
        return Catalog.model_validate(data)
    except ValidationError as error:
        lines = [
            f"{path}, line {_line_of(text, p['loc'])}: {'.'.join(map(str, p['loc']))}: {p['msg']}"
            for p in error.errors(include_url=False)
        ]
        raise BadCatalogError("\n".join(lines)) from None


def _line_of(text: str, location: tuple[int | str, ...]) -> int:
    """Find the line that a validation error speaks of: the table, then its key."""
    if not location:
        return 1
    table = re.escape(str(location[0]))
    nth = int(location[1]) if len(location) > 1 and isinstance(location[1], int) else 0
    key = next((part for part in location[1:] if isinstance(part, str)), None)
    seen, found = -1, 1
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\[\[?{table}\]", line):
            seen += 1
            found = number if seen <= nth else found
        elif seen == nth and key and re.match(rf"{re.escape(key)}\s*=", line):
            return number
    return found
