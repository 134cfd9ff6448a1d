"""The running portal: settings, catalog, database, gateways and clock, put together once and handed to everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app
from werkzeug.local import LocalProxy

from app.catalog import Catalog, load_catalog
from app.database import Database
from app.gateways.compute import Engine, engine_for
from app.gateways.mailer import Mailer, make_mailer
from app.gateways.queue import Queue
from app.gateways.scanner import Scanner, make_scanner
from app.gateways.storage import Storage
from app.gateways.stripe import StripeGateway
from app.jobs import JobQueue, PlaceOf
from app.kit.clock import Clock, following_clock, system_clock
from app.kit.signing import Signer
from app.settings import Settings

EXTENSION = "portal"


@dataclass(frozen=True)
class Portal:
    """Everything that a view, a job or a command may need."""

    settings: Settings
    catalog: Catalog
    database: Database
    jobs: JobQueue
    stripe: StripeGateway
    storage: Storage
    queue: Queue | None
    scanner: Scanner
    mailer: Mailer
    compute: Engine
    signer: Signer
    clock: Clock


def build_portal(settings: Settings, places: Mapping[str, PlaceOf]) -> Portal:
    """Put the portal together; nothing outside is called yet. `places`: as `JobQueue` takes them."""
    catalog = load_catalog(settings.catalog)
    database = Database(settings.database_url.get_secret_value())
    storage = Storage(settings)
    return Portal(
        settings=settings,
        catalog=catalog,
        database=database,
        jobs=JobQueue(database.engine, places),
        stripe=StripeGateway(settings),
        storage=storage,
        queue=Queue(settings, settings.s3_events_queue_url) if settings.s3_events_queue_url else None,
        scanner=make_scanner(catalog.uploads, storage),
        mailer=make_mailer(settings),
        compute=engine_for(settings, storage),
        signer=Signer(settings.keys),
        clock=following_clock(settings.clock_file) if settings.clock_file else system_clock,
    )


def _current() -> Portal:
    return cast("Portal", current_app.extensions[EXTENSION])


if TYPE_CHECKING:
    portal: Portal
else:
    portal = LocalProxy(_current)
"""The portal of the current Flask application."""
