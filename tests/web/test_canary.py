"""No secret of the configuration gets out, anywhere (AC-H11)."""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import make_url

from app import create_app
from app.kit.ids import digest, new_id, new_secret
from app.login.sessions import start_session
from app.models import LoginSession, StaffMember
from app.portal import EXTENSION, Portal
from app.settings import Settings
from app.web.assets import PublicConfig
from tests.checkout.shop import PREVIEW, put_result
from tests.faults.visitor import Visitor
from tests.helpers import ROOT, Sandbox, answers, free_port, make_order, process, python, reload, wait_for
from tests.web.test_pages import SAMPLE, rules

# What secrets of others look like: Stripe's keys and endpoint secrets, AWS's key ids, private keys.
SHAPES = re.compile(r"(?<![A-Za-z])(sk|rk)_(test|live)|whsec_|(?<![A-Z])(AKIA|ASIA)|-----BEGIN")


def canary() -> str:
    return f"canary{secrets.token_hex(16)}"


@dataclass
class Birdcage:
    """A portal of real processes, every secret of which is a canary."""

    app: Flask
    portal: Portal
    sandbox: Sandbox
    canaries: dict[str, str]
    logs: list[Path]
    port: int
    heard: dict[str, str] = field(default_factory=dict)

    def hear(self, where: str, told: Any) -> None:
        """Keep what was told to somebody outside."""
        self.heard[where] = told if isinstance(told, str) else json.dumps(told, default=str, ensure_ascii=False)

    def visitor(self, name: str, **cookies: str) -> Visitor:
        """Give a browser all of whose answers are kept."""
        cage = self

        class Kept(list[Any]):
            def append(self, answer: Any) -> None:
                cage.hear(f"{name} {len(cage.heard)} {answer.path}", answer.text + json.dumps(answer.headers))

        return Visitor(self.port, Kept(), dict(cookies))


@pytest.fixture
def cage(
    own_house: tuple[Portal, dict[str, str]], sandbox: Sandbox, backend: str, tmp_path: Path
) -> Iterator[Birdcage]:
    """Start web server and worker with a canary in the place of every secret."""
    house, environment = own_house
    port = free_port()
    birds = {name: canary() for name in secret_names()}
    birds |= {name: canary() for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")}
    changes = {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": birds["secret_key"],
        "SECRET_KEY_FALLBACKS": birds["secret_key_fallbacks"],
        "STRIPE_API_KEY": f"sk_test_{birds['stripe_api_key']}",
        "STRIPE_REFUND_KEY": f"sk_test_{birds['stripe_refund_key']}",
        "STRIPE_WEBHOOK_SECRETS": f"whsec_{birds['stripe_webhook_secrets']}",
        "SMTP_URL": f"{sandbox.smtp}/{birds['smtp_url']}",
        **{name.upper(): birds[name] for name in birds if name.startswith("aws_")},
    }
    if backend == "postgresql":
        url = make_url(environment["DATABASE_URL"]).set(password=birds["database_url"])
        changes["DATABASE_URL"] = url.render_as_string(hide_password=False)
    else:
        del birds["database_url"]  # the name of a file
    secret = {name.lower(): SecretStr(value) for name, value in changes.items() if name.lower() in secret_names()}
    secret["secret_key_fallbacks"] = [secret["secret_key_fallbacks"]]  # type: ignore[assignment]
    app = create_app(house.settings.model_copy(update={**secret, "public_url": changes["PUBLIC_URL"]}))
    logs = [tmp_path / "web.log", tmp_path / "worker.log"]
    serve = python("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port))
    with ExitStack() as stack:
        stack.enter_context(app.app_context())
        processes = ((*serve, "--blocking-threads", "8", "wsgi:app"), python("-m", "app.worker"))
        for command, log in zip(processes, logs, strict=True):
            stack.enter_context(process(*command, environment={**environment, **changes}, log=log))
        wait_for(lambda: answers(f"{changes['PUBLIC_URL']}/healthz"), 60, "the web server")
        endpoint = sandbox.control(
            "endpoints",
            {"url": f"{changes['PUBLIC_URL']}/webhooks/stripe", "secret": changes["STRIPE_WEBHOOK_SECRETS"]},
        )
        yield Birdcage(app, app.extensions[EXTENSION], sandbox, birds, logs, port)
        sandbox.control(f"endpoints/{endpoint['id']}/delete")
        app.extensions[EXTENSION].database.close()


def secret_names() -> set[str]:
    """Name the settings whose type hides them."""

    def hides(kind: Any) -> bool:
        return kind is SecretStr or any(hides(part) for part in get_args(kind))

    return {name for name, one in Settings.model_fields.items() if hides(one.annotation)}


def session_of(portal: Portal, email: str, *, staff: bool = False) -> str:
    """Log an address in, a member of staff with the second factor; give the cookie."""
    with portal.database.transaction() as session:
        if staff:
            session.add(StaffMember(email=email, role="admin", created_at=portal.clock()))
            session.flush()
        secret, row = start_session(session, email, "127.0.0.1", "tests", portal.clock())
        if staff:
            session.get_one(LoginSession, row.id).second_factor_at = portal.clock()
    return secret


def crawl(cage: Birdcage, visitor: Visitor, order_id: str) -> None:
    """Open every page that the URL map knows, in both languages."""
    values = {**SAMPLE, "order_id": order_id}
    for rule in rules(cage.app, "GET"):
        path = re.sub(r"<(?:[a-z]+:)?(\w+)>", lambda m: values.get(m[1], new_id()), rule.rule)
        for query in ("", "?lang=en", "?method=card&product=csv-profile&q=canary&session_id=x"):
            visitor.get(path + query)


def test_ac_h11_no_secret_leaves_the_server(cage: Birdcage, email: str) -> None:
    """Of canaries in place of all secrets none is in any page, asset, JSON, error, mail, log, object or session."""
    portal, claim = cage.portal, new_secret()
    order = make_order(portal, email=email, claim_hash=digest(claim), state="analysed", preview=PREVIEW)
    put_result(portal, order)
    buyer = cage.visitor("buyer", claim=claim)
    token = buyer.token(f"/orders/{order.id}/pay?method=card")
    paying = buyer.post(f"/orders/{order.id}/pay", {"csrf_token": token, "method": "card"})
    assert paying.status == 303, paying.text
    session_id = paying.location.rsplit("/", 1)[-1]
    cage.hear("Checkout Session", portal.stripe.retrieve_session(session_id))
    cage.sandbox.control(f"sessions/{session_id}/pay_card")
    wait_for(lambda: reload(portal, order).state == "delivered", 60, "the delivery")
    form = {
        "csrf_token": buyer.token("/?product=csv-profile"),
        "product": "csv-profile",
        "email": email,
        "locale": "ja",
    }
    file = {"filename": "a.csv", "size": 3, "sha256": "0" * 64}
    made = buyer.post("/orders", {**form, **file}, Accept="application/json")
    assert made.status == 201, made.text
    buyer.post("/login", {"csrf_token": buyer.token("/login"), "email": email})
    for path in ("/orders", "/login/code", "/csp-reports", "/webhooks/stripe", "/nowhere"):
        buyer.post(path, {"email": "x"}, Accept="application/json")
    owner = cage.visitor("owner", session=session_of(portal, email))
    staff = cage.visitor("staff", session=session_of(portal, f"staff-{email}", staff=True))
    for visitor in (cage.visitor("stranger"), buyer, owner, staff):
        crawl(cage, visitor, order.id)
    assert owner.get("/history").status == 200
    assert staff.get("/staff/orders").status == 200
    for asset in (ROOT / "static/dist").iterdir():
        cage.hear(asset.name, asset.read_text(encoding="utf-8"))
    mails = wait_for(lambda: len(found := cage.sandbox.mails(email)) > 1 and found, 60, "the mails")
    cage.hear("mails", mails)
    for key, told in stored(portal):
        cage.hear(f"object {key}", told)
    for log in cage.logs:
        cage.hear(log.name, log.read_text())
    leaks = {
        (where, name) for where, told in cage.heard.items() for name, bird in cage.canaries.items() if bird in told
    }
    assert leaks == set()
    shaped = {(where, found[0]) for where, told in cage.heard.items() if (found := SHAPES.search(told))}
    assert shaped == set()
    assert len(cage.heard) > 200


def stored(portal: Portal) -> Iterator[tuple[str, str]]:
    """Yield the key of every object with its metadata and its bytes."""
    client, bucket = portal.storage._s3, portal.storage.bucket  # noqa: SLF001  (past the portal's own ways)
    for entry in client.list_objects_v2(Bucket=bucket)["Contents"]:
        found = client.get_object(Bucket=bucket, Key=entry["Key"])
        yield entry["Key"], f"{found} {found['Body'].read().decode(errors='replace')}"


def test_ac_h11_public_and_secret_are_apart_by_type(app: Flask, settings: Settings) -> None:
    """Pages know PublicConfig only; every other setting that is a secret is a SecretStr and shows itself to nobody."""
    assert secret_names() == {
        *("database_url", "secret_key", "secret_key_fallbacks", "stripe_api_key"),
        *("stripe_refund_key", "stripe_webhook_secrets", "smtp_url"),
    }
    named = re.compile(r"secret|password|token|_key")
    assert {name for name in Settings.model_fields if named.search(name)} <= secret_names()
    public = {name for name in dir(PublicConfig) if not name.startswith("_")}
    assert public == {"portal_name", "support_email", "terms_version"}
    hints = [getattr(PublicConfig, name).fget.__annotations__["return"] for name in public]
    assert set(hints) == {str}
    reachable = app.jinja_env.globals
    assert "config" not in reachable
    assert not [name for name, value in reachable.items() if isinstance(value, (Settings, Portal, Flask))]
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        for secret in (settings.secret_key, settings.stripe_api_key, settings.stripe_webhook_secrets):
            assert secret.get_secret_value() not in shown


def test_ac_h11_templates_and_scripts_ask_for_nothing_else() -> None:
    """No template reads settings, the environment, the request's headers or the session."""
    reads = re.compile(
        r"\{[{%][^}\"']*\b(settings\b|environ\b|portal\.|config\.|current_app|request\.(headers|environ|cookies)|session\[)"
    )
    for path in (ROOT / "templates").rglob("*"):
        if path.is_file():
            assert not reads.search(path.read_text(encoding="utf-8")), path
    assert "process.env" not in (ROOT / "static/build.js").read_text(encoding="utf-8")


def test_ac_h17_nothing_is_loaded_from_elsewhere() -> None:
    """No template, style or script of ours names another origin to load from; the policy would not let it."""
    loads = re.compile(r"""((src|srcset|action|data|poster)|<link[^>]+href)\s*=\s*["']?(https?:)?//""")
    imports = re.compile(r"""(url\(|(import|from)\s*\(?|fetch\()\s*["']?(https?:)?//""")
    for path in (ROOT / "templates").rglob("*.html"):
        if "mail" not in path.parts:
            assert not loads.search(path.read_text(encoding="utf-8")), path
    for path in [*(ROOT / "static/src").rglob("*.*"), *(ROOT / "static/dist").glob("*.css")]:
        assert not imports.search(path.read_text(encoding="utf-8")), path
    built = (ROOT / "static/dist/app.css").read_text(encoding="utf-8")
    assert "@import" not in built
    others = re.compile(r"googletagmanager|google-analytics|js\.stripe\.com|unpkg|jsdelivr|cdnjs")
    for path in (ROOT / "static/dist").glob("*.js"):
        assert not others.search(path.read_text(encoding="utf-8")), path
