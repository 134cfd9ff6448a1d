"""A company whose clock the test moves, and whose bucket keeps every version of its objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.settings import Settings
from tests.helpers import Sandbox
from tests.recovery.company import Company, companies


@dataclass
class Clock:
    """The portal's clock, ahead of the machine's; Stripe and the object store stay where they are."""

    file: Path

    def pass_days(self, days: float) -> None:
        """Move on."""
        ahead = float(self.file.read_text()) if self.file.exists() else 0.0
        self.file.write_text(str(ahead + days * 86_400))


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """Give the clock of the test's company."""
    return Clock(tmp_path / "clock")


@pytest.fixture
def company(
    settings: Settings,
    environment: dict[str, str],
    sandbox: Sandbox,
    backend: str,
    database_url: str,
    tmp_path: Path,
    clock: Clock,
) -> Iterator[Company]:
    """Open a company with an empty ledger."""
    changed = settings.model_copy(update={"clock_file": clock.file})
    surroundings = {**environment, "CLOCK_FILE": str(clock.file)}
    for opened in companies(changed, surroundings, sandbox, backend, database_url, tmp_path):
        opened.portal.storage._s3.put_bucket_versioning(  # noqa: SLF001  (as an operator would)
            Bucket=opened.settings.s3_bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        yield opened
