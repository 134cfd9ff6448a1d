"""`flask --app wsgi portal ...`: what operators do from the shell."""

import time

import click
from flask import Flask
from flask.cli import AppGroup

from app.checkout.check import findings
from app.errors import StorageDownError
from app.kit.addresses import BadAddressError, canonical
from app.login.staff import ROLES, add_staff, all_staff
from app.portal import portal

group = AppGroup("portal", help="Operate the portal.")


@group.command("check")
def check() -> None:
    """Say whether this configuration is fit to sell with; exit 1 where it is not."""
    found = []
    for line in findings():
        click.echo(f"{line.level:<5} {line.text}")
        found.append(line.level)
    click.echo(f"{found.count('ok')} ok, {found.count('warn')} to look at, {found.count('fail')} failed")
    if "fail" in found:
        raise SystemExit(1)


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


@group.group("staff")
def staff() -> None:
    """Say who may open the back office."""


@staff.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the person may do.")
def staff_add(email: str, role: str) -> None:
    """Make EMAIL a member of staff; again with another role changes it."""
    try:
        address = canonical(email)
    except BadAddressError:
        raise click.BadParameter(f"{email!r} is not an e-mail address", param_hint="EMAIL") from None
    with portal.database.transaction() as session:
        before = add_staff(session, address, role, portal.clock())
    done = "added" if before is None else f"changed from {before}" if before != role else "unchanged"
    click.echo(f"staff {address}: {role} ({done})")


@staff.command("list")
def staff_list() -> None:
    """Show every member of staff."""
    with portal.database.transaction() as session:
        members = all_staff(session)
    for member in members:
        state = "active" if member.disabled_at is None else f"disabled {member.disabled_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"{member.email}  {member.role}  {state}")
    if not members:
        click.echo("no staff yet; add one with: flask --app wsgi portal staff add EMAIL --role ROLE")


def init_cli(app: Flask) -> None:
    """Give the application its commands."""
    app.cli.add_command(group)
