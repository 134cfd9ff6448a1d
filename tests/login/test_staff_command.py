"""`portal staff`: who may open the back office."""

from flask import Flask

from app.models import StaffMember
from app.portal import Portal


def test_staff_add_and_list(app: Flask, portal: Portal, email: str) -> None:
    run = app.test_cli_runner().invoke
    first = run(args=["portal", "staff", "add", email.upper(), "--role", "viewer"])
    assert (first.exit_code, first.output) == (0, f"staff {email}: viewer (added)\n")
    again = run(args=["portal", "staff", "add", email, "--role", "admin"])
    assert again.output == f"staff {email}: admin (changed from viewer)\n"
    assert f"{email}  admin  active" in run(args=["portal", "staff", "list"]).output
    with portal.database.transaction() as session:
        assert session.get_one(StaffMember, email).role == "admin"


def test_staff_add_refuses_what_is_no_address_or_role(app: Flask, email: str) -> None:
    run = app.test_cli_runner().invoke
    bad = run(args=["portal", "staff", "add", "a b@example.jp", "--role", "viewer"])
    assert bad.exit_code == 2
    assert "is not an e-mail address" in bad.output
    assert run(args=["portal", "staff", "add", email, "--role", "king"]).exit_code == 2
    assert email not in run(args=["portal", "staff", "list"]).output
