"""wapiti at every page that a person can reach: it crawls, then attacks links, forms and parameters."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from scan.findings import Finding
from scan.house import House
from scan.static import TOOLS

# Without those that ask a machine of their makers for what they provoked (ssrf, log4shell), download lists of other
# people's programs (nikto, cms, wapp, wp_enum, htp, takeover) or want TLS (ssl, https_redirect).
MODULES = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,ldap,methods,permanentxss,redirect,shellshock,"
    "spring4shell,sql,timesql,upload,xss,xxe"
)
CRAWL_S = 40
ATTACK_S = 10  # of one module
LEAVING = ("/logout", "/account/sessions/end", "/account/sessions/end-all", "/account/delete")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECTIONS = ("vulnerabilities", "anomalies", "additionals")


def wapiti(house: House, who: str, folder: Path) -> Iterator[Finding]:
    """Crawl and attack as one of the people; raises RuntimeError when wapiti itself fails or saw almost nothing."""
    report, log = folder / f"wapiti-{who}.json", folder / f"wapiti-{who}.log"
    cookies = "; ".join(f"{name}={value}" for name, value in house.cast.cookies[who].items())
    command: list[str | Path] = [
        TOOLS / "wapiti", "--url", f"{house.address}/", "--scope", "folder", "--module", MODULES,
        "--max-scan-time", str(CRAWL_S), "--max-attack-time", str(ATTACK_S), "--scan-force", "normal", "--tasks", "4",
        "--level", "1", "--no-bugreport", "--store-session", folder / f"wapiti-{who}",
        "--store-config", folder / "config", "--format", "json", "--output", report, "--log", log, "--verbose", "0",
        *[word for path in _starts(house) for word in ("--start", f"{house.address}{path}")],
        *[word for path in LEAVING for word in ("--exclude", f"{house.address}{path}")],
        *(["--cookie-value", cookies] if cookies else []),
    ]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or not report.exists():
        raise RuntimeError(f"wapiti as {who}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = json.loads(report.read_text(encoding="utf-8"))
    pages = found["infos"]["crawled_pages_nbr"]
    print(f"wapiti as {who}: {pages} pages", flush=True)
    if pages < 10:  # noqa: PLR2004
        raise RuntimeError(f"wapiti as {who} saw {pages} pages only")
    for section in SECTIONS:
        for what, ones in found[section].items():
            for one in ones:
                where = f"{one['method']} {urlsplit(one['path']).path}"
                told = f"{one['parameter'] or ''} {one['info']}".replace(house.address, "").strip()
                yield Finding("wapiti", what, _alike(where), who, _alike(told)[:300])


def _alike(text: str) -> str:
    """Write every OrderID as the same word: what holds for all orders is one finding."""
    return _ID.sub("<id>", text)


def _starts(house: House) -> Iterator[str]:
    """List what no link leads to."""
    for key, order in house.cast.orders.items():
        yield f"/orders/{order.id}"
        if key.startswith("choose_payment"):
            yield f"/orders/{order.id}/pay?method=card"
            yield f"/orders/{order.id}/return?session_id=cs_test_1"
    yield from ("/account/email", "/login/code", "/login?next=orders.show&order=1", "/staff/orders?q=a&state=analysed")
    yield from ("/staff/events?state=dead&after=1", "/staff/login/code")
