"""The portal on two stores: the embedded one, and Ceph's gateway, which enforces what AWS enforces.

The fixtures `settings`, `app` and with them `portal` and `client` are here those of the store, on SQLite: what is
tested does not depend on the database.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from app import create_app
from app.gateways import storage
from app.gateways.bucket import PUBLIC_ACCESS
from app.gateways.storage import Storage
from app.portal import EXTENSION, Portal
from app.settings import Settings
from tests.conftest import SECRET, WEBHOOK_SECRET, Browser, migrate
from tests.helpers import ROOT, Sandbox
from tests.strict.ceph import missing, radosgw
from tests.strict.door import Door

PORTAL_ORIGIN = "http://127.0.0.1:8000"  # nobody listens there; the store's rules name it


@pytest.fixture(scope="session")
def ceph(folder: Path) -> Iterator[str]:
    """Start Ceph's gateway; give its address."""
    if reason := missing():
        pytest.skip(reason)
    with radosgw(folder / "ceph") as address:
        yield address


@pytest.fixture(scope="session", params=["ministack", "radosgw"])
def store(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    """Give a store's address: every test that asks for it, directly or not, runs on both."""
    return sandbox.s3 if request.param == "ministack" else str(request.getfixturevalue("ceph"))


@pytest.fixture
def strict(store: str, sandbox: Sandbox) -> bool:
    """Tell whether the store enforces what AWS enforces."""
    return store != sandbox.s3


@pytest.fixture(scope="session")
def settings(store: str, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give settings with that store behind them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('strict') / 'portal.sqlite3'}"
    migrate(url)
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        portal_env="test",
        database_url=SecretStr(url),
        secret_key=SecretStr(SECRET),
        public_url=PORTAL_ORIGIN,
        stripe_api_key=SecretStr("sk_test_dummy_for_the_stand_in"),
        stripe_api_base=sandbox.stripe,
        stripe_webhook_secrets=SecretStr(WEBHOOK_SECRET),
        s3_bucket="strict",
        s3_endpoint_url=store,
        mail_transport="smtp",
        smtp_url=SecretStr(sandbox.smtp),
        mail_from="no-reply@kaiseki.example",
        catalog=ROOT / "catalog.toml",
        rate_limit_store="memory://",
    )


def allow_writing(storage: Storage) -> None:
    """Lift the one rule that Ceph 16.2 gets wrong: with BlockPublicAcls it refuses every object, private ones too."""
    blocks = {**PUBLIC_ACCESS, "BlockPublicAcls": False}
    client: Any = storage._s3  # noqa: SLF001  (a rule that the portal has no other value for)
    client.put_public_access_block(Bucket=storage.bucket, PublicAccessBlockConfiguration=blocks)


@pytest.fixture(scope="session")
def app(settings: Settings, store: str, sandbox: Sandbox) -> Iterator[Flask]:
    """Build the application; its bucket is made by `portal storage setup`'s own function."""
    application = create_app(settings)
    here: Portal = application.extensions[EXTENSION]
    here.storage.set_up()
    if store != sandbox.s3:
        allow_writing(here.storage)
    yield application
    here.database.close()


@pytest.fixture(scope="session")
def door(store: str) -> Iterator[Door]:
    """Put a door in front of the store."""
    one = Door(store)
    yield one
    one.close()


@pytest.fixture(scope="session")
def settings_behind(settings: Settings, door: Door) -> Settings:
    """Give settings whose store lies behind the door, for the portal and for browsers."""
    return settings.model_copy(update={"s3_endpoint_url": door.address, "s3_public_url": door.address})


@pytest.fixture(scope="session")
def behind(app: Flask, settings_behind: Settings) -> Iterator[Flask]:
    """Build the application on those settings; it tries twice, so that what never succeeds is soon over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "ATTEMPTS", 2)
        application = create_app(settings_behind)
    application.config.update(PROPAGATE_EXCEPTIONS=False)
    yield application
    application.extensions[EXTENSION].database.close()


@pytest.fixture
def portal_behind(behind: Flask) -> Iterator[Portal]:
    """Give that portal inside an application context."""
    with behind.app_context():
        yield behind.extensions[EXTENSION]


@pytest.fixture
def client_behind(behind: Flask) -> FlaskClient:
    """Give a browser of that portal."""
    return Browser(behind, behind.response_class)
