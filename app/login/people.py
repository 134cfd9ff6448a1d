"""Who is looking."""

from flask import Flask


def init_people(app: Flask) -> None:
    """Tell Flask-Login how to find the person of a request."""
