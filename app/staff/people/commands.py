"""`portal staff`: who may open the back office, and with which second factor."""

import click
from flask.cli import AppGroup

from app.kit.addresses import BadAddressError, canonical
from app.portal import portal
from app.staff.log.check import check
from app.staff.people.members import add_staff, all_staff, disable_staff, reset_factor
from app.staff.permissions import ROLES
from app.staff_login.recovery_codes import codes_left

staff = AppGroup("staff", help="Say who may open the back office.")


def _address(_context: click.Context, _argument: click.Parameter, value: str) -> str:
    try:
        return canonical(value)
    except BadAddressError:
        raise click.BadParameter(f"{value!r} is not an e-mail address") from None


@staff.command("add")
@click.argument("email", callback=_address)
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the person may do.")
def staff_add(email: str, role: str) -> None:
    """Make EMAIL a member of staff; again with another role changes it."""
    with portal.database.transaction() as session:
        before = add_staff(session, email, role, portal.clock())
    done = "added" if before is None else f"changed from {before}" if before != role else "unchanged"
    click.echo(f"staff {email}: {role} ({done})")


@staff.command("list")
def staff_list() -> None:
    """Show every member of staff: role, state, and whether there is a second factor."""
    with portal.database.transaction() as session:
        members, left = all_staff(session), codes_left(session)
    for member in members:
        state = "active" if member.disabled_at is None else f"disabled {member.disabled_at:%Y-%m-%d %H:%M} UTC"
        codes = f"phone set up, {left.get(member.email, 0)} recovery codes left"
        click.echo(f"{member.email}  {member.role}  {state}  {codes if member.totp_secret else 'no phone yet'}")
    if not members:
        click.echo("no staff yet; add one with: flask --app wsgi portal staff add EMAIL --role ROLE")


@staff.command("disable")
@click.argument("email", callback=_address)
def staff_disable(email: str) -> None:
    """Put EMAIL out of the back office at once, and end every login."""
    with portal.database.transaction() as session:
        ended = disable_staff(session, email, portal.clock())
    click.echo(f"staff {email}: disabled, {_counted(ended, email)}")


@staff.command("reset-factor")
@click.argument("email", callback=_address)
def staff_reset_factor(email: str) -> None:
    """Forget phone and recovery codes of EMAIL, and end every login.

    Be sure whom you are talking to: whoever reads this mailbox next sets up the new phone.
    """
    with portal.database.transaction() as session:
        ended = reset_factor(session, email, portal.clock())
    click.echo(f"staff {email}: sets up a new phone at the next login, {_counted(ended, email)}")


@staff.command("check-log")
def staff_check_log() -> None:
    """Walk the staff log now, as a worker does once a day; exit 1 where an entry does not fit."""
    broken = check()
    if broken is not None:
        raise click.ClickException(f"the staff log is broken at entry {broken}")
    click.echo("the staff log is whole")


def _counted(ended: int | None, email: str) -> str:
    if ended is None:
        raise click.ClickException(f"{email} is no active member of staff")
    return f"{ended} session{'s' * (ended != 1)} ended"
