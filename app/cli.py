"""`flask --app wsgi portal ...`: what operators do from the shell."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.portal import portal

group = AppGroup("portal", help="Operate the portal.")


@group.group("storage")
def storage() -> None:
    """Look after the object store."""


@storage.command("setup")
def storage_setup() -> None:
    """Make the bucket and its rules where they are missing."""
    portal.storage.set_up()
    click.echo(f"bucket {portal.storage.bucket}: ready")


def init_cli(app: Flask) -> None:
    """Give the application its commands."""
    app.cli.add_command(group)
