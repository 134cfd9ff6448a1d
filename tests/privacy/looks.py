"""Looking for traces: in every table of the ledger, DBOS's included, and in every version of every object."""

from typing import Any

from sqlalchemy import MetaData, inspect, select, update

from app.models import Order
from app.portal import Portal
from app.recovery.compare import compare
from app.recovery.pace import Pace
from app.recovery.report import Report, open_findings
from tests.recovery.company import Company


def versions(portal: Portal, prefix: str = "") -> list[tuple[str, str]]:
    """Return key and version of all that the bucket holds, delete markers too."""
    pages = portal.storage._s3.get_paginator("list_object_versions").paginate(  # noqa: SLF001  (what the bucket says)
        Bucket=portal.storage.bucket, Prefix=prefix
    )
    return [
        (item["Key"], item["VersionId"])
        for page in pages
        for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    ]


def objects_with(portal: Portal, *texts: str) -> list[str]:
    """Return the keys of objects that hold one of the texts in one of their versions."""
    found = []
    for key, version in versions(portal):
        got = portal.storage._s3.get_object(Bucket=portal.storage.bucket, Key=key, VersionId=version)  # noqa: SLF001
        body = got["Body"].read().decode("utf-8", "replace")
        found += [key for text in texts if text in body]
    return found


def rows_with(portal: Portal, *texts: str) -> list[str]:
    """Return the tables, of any schema, in which a text stands in some column."""
    found = []
    engine = portal.database.engine
    for schema in inspect(engine).get_schema_names():
        if schema in {"information_schema", "pg_catalog"}:
            continue
        known = MetaData()
        known.reflect(engine, schema=None if schema == "main" else schema)
        with engine.connect() as connection:
            for table in known.sorted_tables:
                for row in connection.execute(select(table)):
                    told = repr(tuple(row))
                    found += [f"{table.name}: {told}" for text in texts if text in told]
    return found


def set_columns(portal: Portal, model: type[Any], key: str, **columns: Any) -> None:
    """Write columns of a row."""
    with portal.database.transaction() as session:
        session.execute(update(model).where(model.id == key).values(columns))


def gone(portal: Portal) -> dict[str, tuple[bool, bool]]:
    """Return, by order, whether the file and whether the result are gone."""
    with portal.database.transaction() as session:
        orders = session.scalars(select(Order)).all()
    return {order.id: (order.input_gone_at is not None, order.result_gone_at is not None) for order in orders}


def comparison(company: Company) -> tuple[dict[str, int], set[str]]:
    """Compare everything; return what was mended and the kinds of what was found."""
    report = Report()
    compare(report, Pace(1000))
    with company.portal.database.transaction() as session:
        return dict(report.mended), {finding.kind for finding in open_findings(session)}
