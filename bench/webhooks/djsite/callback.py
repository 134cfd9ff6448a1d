"""Storing only: the event is kept as it came, and processed by nobody."""


def later(_trigger: object, **_api_key: object) -> None:
    """Do nothing now."""
