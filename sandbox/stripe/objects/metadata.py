"""Metadata: 50 pairs, keys of 40 characters without brackets, values of 500 (https://docs.stripe.com/metadata)."""

from __future__ import annotations

from sandbox.stripe.errors import InvalidRequestError

MAX_PAIRS = 50
MAX_KEY = 40
MAX_VALUE = 500


def merged(old: dict[str, str], new: dict[str, str] | str, where: str = "metadata") -> dict[str, str]:
    """Give the metadata after an update: an empty value unsets a key, an empty string unsets all.

    Raises InvalidRequestError over one of the limits. Keys with brackets never get here: the form
    encoding reads them as nesting, and contract.py refuses that.
    """
    if isinstance(new, str):
        return {}
    for key, value in new.items():
        if len(key) > MAX_KEY:
            raise InvalidRequestError(
                f"Metadata keys can only be up to {MAX_KEY} characters long. The key '{key}' is too long.",
                param=f"{where}[{key}]",
            )
        if len(value) > MAX_VALUE:
            raise InvalidRequestError(
                f"Metadata values can have up to {MAX_VALUE} characters, but you passed in a value that is "
                f"{len(value)} characters.",
                param=f"{where}[{key}]",
            )
    result = {key: value for key, value in {**old, **new}.items() if value != ""}
    if len(result) > MAX_PAIRS:
        raise InvalidRequestError(f"You can have up to {MAX_PAIRS} metadata keys.", param=where)
    return result
