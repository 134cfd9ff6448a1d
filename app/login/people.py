"""Who is looking: Flask-Login on top of our own sessions.

`flask_login.current_user` has `.is_authenticated`, `.email`, `.kind` ("customer" or "staff") and `.role`
(only for staff). Staff are people with an active row in `staff` who gave their second factor in this session
(decision 013); before that they are customers, and no more. A member of staff is also a customer of the orders
of their own address.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import ParamSpec, cast

from flask import Flask, Request, has_request_context, redirect, request, url_for
from flask import session as flask_session
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, current_user
from sqlalchemy.exc import SQLAlchemyError

from app.errors import NotFoundError
from app.login.customer_view import View as CustomersView
from app.login.customer_view import init_customer_view, view_here
from app.login.sessions import TOUCH_EVERY, find_session, touch
from app.portal import portal
from app.web.cookies import read_cookie

SESSION_COOKIE = "session"
STAFF_STEP_UP = timedelta(minutes=5)  # how fresh a proof of staff must be before what matters

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]


@dataclass(frozen=True)
class Person(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """Somebody who proved an e-mail address. `session_id` is the id of the session's row.

    `proved_at`: when they last proved who they are, by a mailed login or by the second factor.
    `second_factor_wanted`: a member of staff who has proved the address only; kind "customer", without a role.
    `view`: this is a member of staff who looks as this customer (app.login.customer_view); the session is the member's.
    """

    email: str
    kind: str
    role: str | None
    session_id: str
    proved_at: datetime
    second_factor_wanted: bool = False
    view: CustomersView | None = None

    def get_id(self) -> str:
        """Return the address: there is no other account."""
        return self.email


class Stranger(AnonymousUserMixin):  # type: ignore[misc]
    """Somebody who did not log in."""

    email = None
    kind = None
    role = None
    view = None


def person() -> Person | None:
    """Return who is logged in, or None; a job has nobody."""
    known = has_request_context() and current_user.is_authenticated
    return cast("Person", current_user) if known else None


def known_person() -> Person:
    """Return who is logged in, on a page that asks for a login (`login_required_here`, `staff_required`)."""
    who = person()
    if who is None:
        raise NotFoundError
    return who


def login_required_here(view: View[P]) -> View[P]:
    """Send whoever is not logged in to the login page, and back here afterwards where the page allows it."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if person() is None:
            return redirect(url_for("login.ask", next=request.endpoint, order=kwargs.get("order_id")))
        return view(*args, **kwargs)

    return guarded


def staff_required(view: View[P]) -> View[P]:
    """Show the page to staff only; for everybody else it does not exist (404).

    Staff without the second factor are led to it, and back here afterwards where the page allows it.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        who = known_person()
        if who.second_factor_wanted:
            return _to("staff_login.code", request.endpoint, kwargs)
        if who.kind != "staff":
            raise NotFoundError
        return view(*args, **kwargs)

    return guarded


def recently_proved(span: timedelta, page: str | None = None) -> Callable[[View[P]], View[P]]:
    """Show the page only to somebody who proved who they are within `span` (step-up, ASVS 7.5.1).

    Staff give a code of their second factor again; a customer logs in again by mail. Both come back to `page`,
    the view itself where none is given: it must be of app.login.destinations.PAGES, and shown by GET.
    """

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            who = person()
            if who is not None and portal.clock() - who.proved_at <= span:
                return view(*args, **kwargs)
            asks = "staff_login.code" if who is not None and who.kind == "staff" else "login.ask"
            return _to(asks, page or request.endpoint, kwargs, again=who is not None)

        return guarded

    return guard


def _to(asks: str, page: str | None, kwargs: Mapping[str, object], *, again: bool = False) -> ResponseReturnValue:
    """Lead to a page that asks for a proof, once more where there was one, and from there to `page`."""
    return redirect(url_for(asks, next=page, order=kwargs.get("order_id"), again=1 if again else None), 303)


def forget_browser() -> None:
    """Empty Flask's own cookie, so that nothing planted before a login survives it (AC-L12).

    The language alone is kept.
    """
    language = flask_session.get("lang")
    flask_session.clear()
    if language:
        flask_session["lang"] = language


def init_people(app: Flask) -> None:
    """Tell Flask-Login how to find the person of a request; give templates `current_person`."""
    init_customer_view(app)
    manager = LoginManager()
    manager.anonymous_user = Stranger
    # Both belong to logins kept in Flask's own cookie, which ours are not; it can't be revoked.
    manager.session_protection = None
    app.config["REMEMBER_COOKIE_NAME"] = ""
    manager.init_app(app, add_context_processor=False)
    manager.request_loader(_person_of)

    @app.context_processor
    def visitor() -> dict[str, Person | None]:
        try:
            return {"current_person": person()}
        except SQLAlchemyError:
            # The page that says "the database is down" must not need the database for its header.
            return {"current_person": None}


def _person_of(_request: Request) -> Person | None:
    secret = read_cookie(SESSION_COOKIE)
    if not secret:
        return None
    now = portal.clock()
    with portal.database.transaction() as session:
        found = find_session(session, secret, now)
    if found is None:
        return None
    row, role = found
    if now - row.seen_at > TOUCH_EVERY:
        with portal.database.transaction() as session:
            touch(session, row, now)
    wanted = row.kind == "staff" and row.second_factor_at is None
    me = Person(
        email=row.email,
        kind="customer" if wanted else row.kind,
        role=None if wanted else role,
        session_id=row.id,
        proved_at=row.proved_at or row.created_at,
        second_factor_wanted=wanted,
    )
    view = view_here(row, now) if me.kind == "staff" else None
    return replace(me, email=view.email, kind="customer", role=None, view=view) if view else me
