"""The portal's clock can follow a file (demo and tests)."""

from datetime import timedelta
from pathlib import Path

from app.kit.clock import following_clock, system_clock


def test_the_clock_follows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    clock = following_clock(path)
    assert abs(clock() - system_clock()) < timedelta(seconds=1)
    path.write_text("259200.000\n")
    assert timedelta(days=3) - timedelta(seconds=1) < clock() - system_clock() < timedelta(days=3, seconds=1)
