"""Who gets what at every route (AC-U15): one row for each method of each rule of the URL map.

A row says what each visitor is answered: a status, and where it leads for a redirect. To add a route, add a row: its
method and rule as Flask knows them, who may come in, and what they are answered. A visitor who is kept out gets the
same answer for an order that exists and for one that does not.

Where roles of staff differ in what they may do, `staff(...)` names those with another answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROLES = ("viewer", "support", "refunder", "admin")
VISITORS = (
    "anonymous",
    "payer",  # holds the signed pay link of the order's mail, and nothing else
    "browser",  # made the order; nobody has proved the order's address yet
    "browser after proof",  # made the order; its address was proved since, elsewhere
    "other customer",
    "owner",  # logged in with the order's address
    "staff before second factor",
    *ROLES,
)
HALF = "staff before second factor"

NOT_THERE = "404"
LOG_IN = "302 /login?"
PROVE = "303 /login?"  # where a login must be a fresh one
SECOND_FACTOR = "303 /staff/login/"
NOT_THIS_ROLE = "403"
SHUT = (NOT_THERE, LOG_IN, PROVE, SECOND_FACTOR, NOT_THIS_ROLE)
"""The answers of a door that stays shut; every other one lets the visitor in."""
OURS_ONCE = "303 /login?next=orders.show&order="
"""For the browser that made the order and whose address somebody proved since: the owner may log in there."""

Answers = Mapping[str, str]


def everyone(answer: str, **others: str) -> Answers:
    """Give a page that is for all; `others` are visitors (in words joined by _) with an answer of their own."""
    return {**dict.fromkeys(VISITORS, answer), **{name.replace("_", " "): told for name, told in others.items()}}


def viewers(answer: str) -> Answers:
    """Give a page of the order: for the browser that ordered until the address is proved, then for the owner."""
    return everyone(NOT_THERE, browser=answer, owner=answer, browser_after_proof=OURS_ONCE)


def payers(answer: str, payer: str | None = None) -> Answers:
    """Give a page that the pay link opens too, perhaps with another answer."""
    return {**viewers(answer), "payer": payer or answer}


def logged_in(answer: str, staff: str | None = None, *, asks: str = LOG_IN) -> Answers:
    """Give a page of a person; staff are customers of their own address, with or without the second factor."""
    strangers = ("anonymous", "payer", "browser", "browser after proof")
    return {
        **everyone(answer),
        **dict.fromkeys(strangers, asks),
        **dict.fromkeys((HALF, *ROLES), staff or answer),
    }


def staff(answer: str, **roles: str) -> Answers:
    """Give a page of the back office; `roles` are those with an answer of their own, such as admin="200"."""
    return {**everyone(NOT_THERE), HALF: SECOND_FACTOR, **dict.fromkeys(ROLES, answer), **roles}


def admins(answer: str) -> Answers:
    """Give a page of the back office that is for administrators."""
    return staff(NOT_THIS_ROLE, admin=answer)


def members(answer: str, half: str) -> Answers:
    """Give a page on the way into the back office; `half` is for who has not given the second factor yet."""
    return {**everyone(NOT_THERE), HALF: half, **dict.fromkeys(ROLES, answer)}


@dataclass(frozen=True)
class Row:
    """One method of one rule. `order`: which kind of order is asked for (world.ORDERS).

    `values` fill the rule's variables (`order_id` is the order's own, `pay_link` a signed one); `query`, `form` and
    `json` are sent along.
    """

    method: str
    rule: str
    answers: Answers
    order: str = "delivered"
    values: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """Name the row in a test's report."""
        return f"{self.method} {self.rule}"


ORDER = "/orders/<order_id>"
SAME_FILE = {"filename": "売上.csv", "size": 10}
FORM = {"product": "csv-profile", "email": "new@example.jp", "locale": "ja"}
INVITED = {"email": "{new}", "role": "viewer", "language": "ja"}
NOBODY = {"email": "nobody@kaiseki.example", "role": "viewer"}
WHY = {"reason": "the customer can't find the button"}
FINDING = {"kind": "finding", "subject": "{finding}"}
TO_HISTORY, TO_STAFF = "302 /history", "302 /staff/orders"
TO_OWN_PAGE = {
    "other_customer": TO_HISTORY, "owner": TO_HISTORY, "staff_before_second_factor": TO_HISTORY,
    **dict.fromkeys(ROLES, TO_STAFF),
}  # fmt: skip

TABLE = (
    # --- for all
    Row("GET", "/", everyone("200")),
    Row("POST", "/orders", everyone("303 /orders/"), form=FORM),
    Row("GET", "/legal/tokushoho", everyone("200")),
    Row("GET", "/legal/privacy", everyone("200")),
    Row("GET", "/legal/terms", everyone("200")),
    Row("GET", "/legal/terms/<version>", everyone("200"), values={"version": "2026-11-22"}),
    Row("GET", "/static/<path:filename>", everyone("200"), values={"filename": "dist/app.css"}),
    Row("GET", "/healthz", everyone("200")),
    Row("GET", "/readyz", everyone("200")),
    Row("GET", "/metrics", everyone("200")),
    Row("POST", "/webhooks/stripe", everyone("400"), form={"id": "evt_1"}),
    Row("POST", "/csp-reports", everyone("204"), json={}),
    # --- logging in
    Row("GET", "/login", everyone("200", **TO_OWN_PAGE)),
    Row("POST", "/login", everyone("303 /login/code"), form={"email": "somebody@example.jp"}),
    Row("GET", "/login/<token>", everyone("410"), values={"token": "A" * 43}),
    Row("POST", "/login/<token>", everyone("410"), values={"token": "A" * 43}),
    Row("GET", "/login/code", everyone("200")),
    Row("POST", "/login/code", everyone("422"), form={"code": "AAAA-AAAA"}),
    Row("POST", "/logout", everyone("303 /")),
    # --- an order
    Row("GET", ORDER, viewers("200")),
    Row("GET", f"{ORDER}/status", viewers("200")),
    Row("POST", f"{ORDER}/sign", viewers("200"), order="waiting", json={}),
    Row("POST", f"{ORDER}/upload", viewers("200"), order="waiting", json=SAME_FILE),
    Row("POST", f"{ORDER}/uploaded", viewers("303 /orders/")),
    Row("GET", f"{ORDER}/pay", payers("200"), order="analysed"),
    Row("POST", f"{ORDER}/pay", payers("303 {stripe}/c/pay/cs_"), order="analysed", form={"method": "card"}),
    Row("GET", f"{ORDER}/return", payers("303 /orders/", payer="200")),
    Row("GET", f"{ORDER}/preview/<name>", payers("302 {store}/"), values={"name": "plot.png"}),
    Row("GET", f"{ORDER}/files/<name>", viewers("302 {store}/"), values={"name": "result.zip"}),
    Row("GET", f"{ORDER}/report", viewers("200")),
    Row("POST", f"{ORDER}/keep", viewers("303 /orders/"), form={"until": "2026-11-22T14:59:59+00:00"}),
    # --- a person
    Row("GET", "/history", logged_in("200")),
    Row("GET", "/account", logged_in("200")),
    Row("POST", "/account/sessions/end", logged_in("303 /account"), form={"session": "{session}"}),
    Row("POST", "/account/sessions/end-all", logged_in("303 /login")),
    Row("GET", "/account/email", logged_in("200")),
    Row("POST", "/account/email", logged_in("303 /account/email/code", "409"), form={"email": "{new}"}),
    Row("GET", "/account/email/code", logged_in("200")),
    Row("POST", "/account/email/code", logged_in("422"), form={"code": "AAAA-AAAA"}),
    Row("GET", "/account/export", logged_in("200")),
    Row("GET", "/account/delete", logged_in("200", asks=PROVE)),
    Row("POST", "/account/delete", logged_in("422", asks=PROVE), form={"email": "not mine"}),
    Row("GET", "/account/deleted", everyone("200")),
    # --- staff
    Row("GET", "/staff/login/code", members(TO_STAFF, half="200")),
    Row("POST", "/staff/login/code", members("422", half="422"), form={"code": "000 000"}),
    Row("GET", "/staff/login/enrol", members("303 /staff/login/code", half="303 /staff/login/code")),
    Row("POST", "/staff/login/enrol", members("303 /staff/login/code", half="303 /staff/login/code")),
    Row("GET", "/staff/login/factor", staff("200")),
    Row("GET", "/staff/login/phone", staff("200")),
    Row("POST", "/staff/login/phone", staff("422")),
    Row("GET", "/staff/login/recovery-codes", staff("200")),
    Row("POST", "/staff/login/recovery-codes", staff("200")),
    Row("GET", "/staff", staff("302 /staff/orders")),
    Row("GET", "/staff/orders", staff("200")),
    Row("GET", "/staff/orders/export", staff("200", viewer=NOT_THIS_ROLE)),
    Row("POST", "/staff/orders/export", staff("200", viewer=NOT_THIS_ROLE), form={"q": "nobody@nowhere.example"}),
    Row("GET", "/staff/orders/views", staff("200")),
    Row("POST", "/staff/orders/views", staff("303 /staff/orders"), form={"name": "Paid", "money": "paid"}),
    Row("POST", "/staff/orders/views/forget", staff("303 /staff/orders/views"), form={"name": "Paid"}),
    Row("GET", "/staff/orders/<order_id>", staff("200")),
    Row("GET", "/staff/orders/<order_id>/end-sessions", staff("200", viewer=NOT_THIS_ROLE)),
    Row("POST", "/staff/orders/<order_id>/end-sessions", staff("303 /staff/orders/", viewer=NOT_THIS_ROLE)),
    Row(
        "POST",
        "/staff/orders/<order_id>/notes",
        staff("303 /staff/orders/", viewer=NOT_THIS_ROLE),
        form={"text": "a note", "once": "{session}"},
    ),
    Row("GET", "/staff/orders/<order_id>/mails/<mail_id>", staff("200"), values={"mail_id": "{mail}"}),
    Row("GET", "/staff/orders/<order_id>/files", staff("200", viewer=NOT_THIS_ROLE)),
    Row("POST", "/staff/orders/<order_id>/files", staff("422", viewer=NOT_THIS_ROLE), form={"file": "input", **WHY}),
    Row(
        "GET",
        "/staff/orders/<order_id>/do/<key>",
        staff("200", viewer=NOT_THIS_ROLE),
        values={"key": "close-downloads"},
    ),
    Row(
        "POST",
        "/staff/orders/<order_id>/do/<key>",
        staff("303 /staff/orders/", viewer=NOT_THIS_ROLE),
        values={"key": "close-downloads"},
        form={"once": "{session}", "reason": "asked for"},
    ),
    Row("POST", "/staff/orders/do/<key>", staff("422", viewer=NOT_THIS_ROLE), values={"key": "resend"}),
    Row("GET", "/staff/orders/<order_id>/refunds", staff("200")),
    Row(
        "POST",
        "/staff/orders/<order_id>/refunds",
        staff(NOT_THIS_ROLE, refunder="422", admin="422"),
        form={"verdict": "agree", "request": "none"},
    ),
    Row("GET", "/staff/findings", staff("200")),
    Row("GET", "/staff/people", admins("200")),
    Row("POST", "/staff/people/invite", admins("303 /staff/people"), form=INVITED),
    Row("POST", "/staff/people/role", admins("409"), form=NOBODY),
    Row("POST", "/staff/people/disable", admins("409"), form=NOBODY),
    Row("POST", "/staff/people/enable", admins("409"), form=NOBODY),
    Row("POST", "/staff/people/sessions/end", admins("409"), form=NOBODY),
    Row("GET", "/staff/log", admins("200")),
    Row("GET", "/staff/orders/<order_id>/view-as", staff("200", viewer=NOT_THIS_ROLE)),
    Row("POST", "/staff/orders/<order_id>/view-as", staff("303 /orders/", viewer=NOT_THIS_ROLE), form=WHY),
    Row("POST", "/staff/view-as/end", staff("303 /staff/orders", viewer=NOT_THIS_ROLE)),
    Row("GET", "/staff/numbers", staff("200")),
    Row("GET", "/staff/events", staff("200")),
    Row("GET", "/staff/events/<event_id>", staff("200"), values={"event_id": "{event}"}),
    Row(
        "POST",
        "/staff/events/<event_id>/replay",
        staff("303 /staff/events/", viewer=NOT_THIS_ROLE),
        values={"event_id": "{event}"},
    ),
    Row("GET", "/staff/attention", staff("200")),
    Row("GET", "/staff/attention/closed", staff("200")),
    Row("GET", "/staff/attention/count", staff("200")),
    Row(
        "POST",
        "/staff/attention/<deed>",
        staff("303 /staff/attention", viewer=NOT_THIS_ROLE),
        values={"deed": "take"},
        form=FINDING,
    ),
    Row(
        "POST",
        "/staff/attention/closed/reopen",
        staff("303 /staff/attention", viewer=NOT_THIS_ROLE),
        form=FINDING,
    ),
)
