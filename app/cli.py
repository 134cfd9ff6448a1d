"""`flask --app wsgi portal ...`: what operators do from the shell."""

import time

import click
from flask import Flask
from flask.cli import AppGroup

from app.errors import StorageDownError
from app.portal import portal

group = AppGroup("portal", help="Operate the portal.")


@group.group("storage")
def storage() -> None:
    """Look after the object store."""


@storage.command("setup")
@click.option("--wait", default=0, help="Seconds to wait for an object store that is still starting.")
def storage_setup(wait: int) -> None:
    """Make the bucket and its rules where they are missing."""
    end = time.monotonic() + wait
    while True:
        try:
            portal.storage.set_up()
            break
        except StorageDownError as error:
            if time.monotonic() > end:
                raise click.ClickException("the object store does not answer") from error
            time.sleep(0.3)
    click.echo(f"bucket {portal.storage.bucket}: ready")


def init_cli(app: Flask) -> None:
    """Give the application its commands."""
    app.cli.add_command(group)
