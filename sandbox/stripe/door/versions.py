"""Parameters that came or went with an API version. How *objects* change is in objects/shapes_by_version.py.

The contract is the pinned stripe-python's; here is where older versions differ from it, as data.
"""

from __future__ import annotations

from dataclasses import dataclass

from stripe.params.checkout import SessionCreateParams

from sandbox.stripe.door import contract
from sandbox.stripe.door.forms import Tree
from sandbox.stripe.errors import ApiError, InvalidRequestError
from sandbox.stripe.objects import shapes_by_version


@dataclass(frozen=True)
class Parameter:
    """A top-level parameter that exists from version `since` on; before, `before` (if any) was in its place."""

    params: type
    name: str
    since: str
    source: str
    before: str | None = None


_METHODS = "https://docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions"

PARAMETERS = (
    Parameter(
        SessionCreateParams, "allowed_payment_method_types", "2026-09-30.endive", _METHODS, "payment_method_types"
    ),
    Parameter(SessionCreateParams, "excluded_payment_method_types", "2026-09-30.endive", _METHODS),
)


def read(header: str | None) -> str:
    """Give the version that a call asks for (none: the account's). Raises InvalidRequestError."""
    version = header or shapes_by_version.LATEST
    if not shapes_by_version.known(version):
        raise InvalidRequestError(f"Invalid Stripe API version: {version}", unknown=True)
    return version


def today(params_type: type, tree: Tree, version: str) -> Tree:
    """Give the parameters under today's names. Raises InvalidRequestError for one that the version lacks."""
    for parameter in _missing(params_type, version):
        if parameter.name in tree:
            raise contract.unknown_parameter(parameter.name)
        tree = {(parameter.name if name == parameter.before else name): raw for name, raw in tree.items()}
    return tree


def in_words_of(error: ApiError, params_type: type, version: str) -> None:
    """Put the names of the time into an error about parameters that have today's."""
    for parameter in _missing(params_type, version):
        if parameter.before:
            error.message = error.message.replace(parameter.name, parameter.before)
            error.param = error.param and error.param.replace(parameter.name, parameter.before)


def _missing(params_type: type, version: str) -> list[Parameter]:
    return [one for one in PARAMETERS if one.params is params_type and version < one.since]
