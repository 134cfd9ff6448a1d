"""sqlmap at what reaches the database: query strings, forms, pieces of paths, cookies. A star marks what it alters."""

import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scan.findings import Finding
from scan.house import House
from scan.static import TOOLS

TIME_S = 300  # of one target: long enough for sqlmap to try what it suspects, and to take it back
CLEAN = "all tested parameters do not appear to be injectable"
DIRTY = "sqlmap identified the following injection point"


@dataclass(frozen=True)
class Target:
    """One request. `{order}` is an order that can be paid, `{open}` one that is delivered; `cookie` is altered too."""

    who: str
    path: str
    data: str = ""
    cookie: str = ""


TARGETS = (
    Target("stranger", "/?product=csv-profile*&lang=en*"),
    Target("stranger", "/login?next=orders.show*&order={order}*"),
    Target("stranger", "/login", "email=a@example.jp*&next=orders.show&order={order}*"),
    Target("stranger", "/login/code", "code=ABCD-EFGH*", "login=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx*"),
    Target("stranger", "/login/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx*"),
    Target("stranger", "/orders", "product=csv-profile*&email=b@example.jp*&locale=ja*&filename=a.csv*&size=10*"),
    Target("stranger", "/legal/terms/2026-01*"),
    Target("stranger", "/history", cookie="session=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx*"),
    Target("stranger", "/orders/{order}", cookie="claim=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx*"),
    Target("customer", "/orders/{order}*"),
    Target("customer", "/orders/{order}*/status?v=1*"),
    Target("customer", "/orders/{order}*/pay?method=card*"),
    Target("customer", "/orders/{order}*/return?session_id=cs_test_1*&look=1*"),
    Target("customer", "/orders/{open}*/files/result.zip*"),
    Target("customer", "/orders/{open}*/preview/plot.png*"),
    Target("customer", "/orders/{open}*/report"),
    Target("customer", "/history?page=1*"),
    Target("customer", "/account/sessions/end", "session=0123456789abcdef*"),
    Target("customer", "/account/email", "email=c@example.jp*"),
    Target("customer", "/account/email/code", "code=ABCD-EFGH*&ticket=x*"),
    Target("staff", "/staff/orders?q=a@example.jp*&state=analysed*&money=unpaid*&method=card*"),
    Target("staff", "/staff/orders?q=01234567*"),
    Target("staff", "/staff/orders?q=pi_1*"),
    Target("staff", "/staff/orders?q=evt_1*"),
    Target("staff", "/staff/orders?after=20260101T000000.000000_{order}*"),
    Target("staff", "/staff/orders?before=20260101T000000.000000_{order}*"),
    Target("staff", "/staff/orders/{order}*"),
    Target("staff", "/staff/orders/{order}*/end-sessions"),
    Target("staff", "/staff/login/code", "code=000000*&next=staff.order*&order={order}*"),
    Target("staff", "/staff/orders?product=csv-profile*&since=2020-01-01*&until=2030-12-31*&sort=dearest*"),
    Target("staff", "/staff/orders?least=1*&most=999999*&attention=1*"),
    Target("staff", "/staff/orders/export", "q=example*&state=analysed*&column=id*"),
    Target("staff", "/staff/orders/views", "name=x*&money=paid*"),
    Target("staff", "/staff/orders/do/resend*", "order={order}*&once=x*"),
    Target("staff", "/staff/orders/{order}/notes", "text=x*&once={open}*"),
    Target("staff", "/staff/orders/{order}/do/email*", "once={open}*&email=d@example.jp*&reason=x*"),
    Target("staff", "/staff/orders/{order}/mails/{open}*"),
    Target("staff", "/staff/orders/{order}/files", "file=input*&reason=x*"),
    Target("staff", "/staff/orders/{order}/refunds", "verdict=agree*&request={open}*"),
    Target("staff", "/staff/attention?kind=finding*&whose=free*"),
    Target("staff", "/staff/attention/take*", "kind=finding*&subject={open}*"),
    Target("staff", "/staff/numbers?from=2026-10-01*&to=2026-10-31*"),
    Target("staff", "/staff/people/role", "email=nobody@kaiseki.example*&role=viewer*"),
    Target("staff", "/staff/log?member=a*&action=order.see*&object={order}*&before=9*"),
    Target("staff", "/staff/events/evt_1*"),
    Target("staff", "/staff/events?state=dead*&after=20260101T000000.000000_evt_1*"),
)


def sqlmap(house: House, who: str, folder: Path) -> Iterator[Finding]:
    """Try all targets of one person; what sqlmap could not try is a finding too."""
    for number, target in enumerate(one for one in TARGETS if one.who == who):
        said = _try(house, target, folder / f"sqlmap-{who}-{number}")
        if CLEAN in said:
            print(f"sqlmap as {who}: {target.path} {target.data}: clean", flush=True)
        else:
            what = "injectable" if DIRTY in said else "not tried to the end"
            yield Finding("sqlmap", what, target.path, who, said[-600:])


def _try(house: House, target: Target, folder: Path) -> str:
    ids = {name: _order(house, key) for name, key in (("order", "choose_payment/"), ("open", "open/"))}
    cookies = {**house.cast.cookies[target.who]}
    marked, token = "", ""
    if target.data:
        cookies["portal"], token = _token(house, cookies)
    if target.cookie:
        marked = target.cookie
        cookies.pop(marked.partition("=")[0], None)
    line = "; ".join([*(f"{name}={value}" for name, value in cookies.items()), *([marked] if marked else [])])
    command: list[str | Path] = [
        TOOLS / "sqlmap", "--batch", "--disable-coloring", "--flush-session", "--output-dir", folder,
        "--dbms", "PostgreSQL", "--level", "1", "--risk", "1", "--technique", "BEUST", "--time-sec", "2", "--skip-waf",
        "--threads", "2", "--time-limit", str(TIME_S), "--timeout", "10", "--ignore-redirects", "--drop-set-cookie",
        "--ignore-code", "400,401,403,404,409,410,422", "--url", house.address + target.path.format(**ids),
        *(["--data", target.data.format(**ids)] if target.data else []),
        *(["--header", f"X-CSRFToken: {token}"] if token else []),
        *(["--cookie", line] if line else []),
    ]  # fmt: skip
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=2 * TIME_S).stdout


def _order(house: House, key: str) -> str:
    return next(order.id for name, order in house.cast.orders.items() if name.startswith(key))


def _token(house: House, cookies: dict[str, str]) -> tuple[str, str]:
    """Return Flask's own cookie and the CSRF token that belongs to it."""
    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    request = urllib.request.Request(f"{house.address}/login/code", headers={"Cookie": line})
    with urllib.request.urlopen(request, timeout=10) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0].removeprefix("portal=")
        page = answer.read().decode()
    return cookie, page.partition('name="csrf_token" value="')[2].partition('"')[0]
