"""Every row of the matrix is a test that bears its name, or has its reason; migrations can be rolled out (N2)."""

import re
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.database import Database
from tests.faults.rows import CANNOT_HAPPEN, ONE_DATABASE, ROWS
from tests.helpers import ROOT

_TEST = re.compile(r"^def test_((?:[kdsmqpcnh]\d+_)+)", re.MULTILINE)


def _rows_with_a_test() -> set[str]:
    named = (found for path in (ROOT / "tests").rglob("test_*.py") for found in _TEST.findall(path.read_text()))
    return {row.upper() for names in named for row in names.strip("_").split("_")}


def test_each_row_is_a_test_or_has_a_reason() -> None:
    tested = _rows_with_a_test()
    assert sorted(set(ROWS) - tested - set(CANNOT_HAPPEN)) == []
    assert sorted(tested & set(CANNOT_HAPPEN)) == []
    assert sorted(tested - set(ROWS)) == []
    assert sorted(set(ONE_DATABASE) - tested) == []


def _columns(database: Database) -> dict[tuple[str, str], dict[str, Any]]:
    looked = inspect(database.engine)
    tables = [name for name in looked.get_table_names() if name != "alembic_version"]
    return {(table, str(c["name"])): dict(c) for table in tables for c in looked.get_columns(table)}


@pytest.mark.faults
def test_n2_the_old_version_runs_on_the_new_tables(tmp_path: Path) -> None:
    """In a rolling deploy the tables are migrated first: every migration only adds, and what it adds may be left out.

    The new version never meets old tables: `alembic upgrade head` runs before it starts.
    """
    url = f"sqlite:///{tmp_path / 'steps.sqlite3'}"
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = url
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    database = Database(url)
    before: dict[tuple[str, str], dict[str, Any]] = {}
    for revision in revisions:
        command.upgrade(config, revision)
        after = _columns(database)
        assert before.keys() <= after.keys(), f"{revision} removes {before.keys() - after.keys()}"
        old_tables = {table for table, _ in before}
        for key in after.keys() - before.keys():
            added = after[key]
            optional = added["nullable"] or added["default"] is not None
            assert key[0] not in old_tables or optional, f"{revision}: the old version can't fill {key}"
        for key, was in before.items():
            assert after[key]["nullable"] >= was["nullable"], f"{revision}: {key} became NOT NULL"
        before = after
    database.close()
