"""How fast csv_profile reads a large CSV file, and in how much memory, against pandas' read_csv().describe().

`python -m bench.csv_profile [--mb 1000] [--runs 3]` makes the file (15 mixed columns, the same bytes every time) and a
virtual environment with pandas under var/, runs both sides in turn, each in a process of its own, and prints seconds,
rows a second and peak resident memory of each; then the ratio of the medians. csv_profile does its whole work:
encodings, kinds, frequent values, correlations, plots and the report.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
VAR = ROOT / "var"
PANDAS = VAR / "bench-pandas"
REQUIREMENTS = ROOT / "requirements" / "pandas.txt"
DESCRIBE = "import sys, pandas; print(pandas.read_csv(sys.argv[1]).describe())"
# Runs a command and prints its peak memory in bytes (getrusage(2)), as a small process between: a child begins with the
# memory of its parent, and what it held before exec(2) counts.
MEASURE = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
)
BLOCK = 50_000  # rows written at a time
MB = 10**6
CITIES = ("東京", "大阪", "名古屋", "札幌", "福岡", "仙台", "広島", "京都")


@dataclass(frozen=True)
class Ran:
    """One run: seconds, and peak resident memory in bytes."""

    seconds: float
    memory: int


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.csv_profile")
    parser.add_argument("--mb", type=int, default=1000, help="size of the file in 10^6 bytes")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    asked = parser.parse_args()
    _install_pandas()
    path = VAR / f"bench-{asked.mb}.csv"
    rows = _make(path, asked.mb * MB)
    print(f"{path.stat().st_size / MB:,.0f} MB, {rows:,} rows of 15 columns, {os.cpu_count()} processors")
    print(f"{'':>14} {'seconds':>9} {'rows/s':>12} {'peak MB':>9}")
    sides = {"csv_profile": _profile, "pandas": _pandas}
    ran: dict[str, list[Ran]] = {name: [] for name in sides}
    for _ in range(asked.runs):
        for name, run in sides.items():
            ran[name].append(found := run(path))
            print(f"{name:>14} {_figures(found.seconds, rows, found.memory)}", flush=True)
    medians = {name: statistics.median(each.seconds for each in all_) for name, all_ in ran.items()}
    for name, all_ in ran.items():
        print(f"{name + ' (median)':>24} {_figures(medians[name], rows, max(each.memory for each in all_))}")
    print(f"csv_profile reads {medians['pandas'] / medians['csv_profile']:.2f} times as many rows a second as pandas")


def _figures(seconds: float, rows: int, memory: int) -> str:
    return f"{seconds:>9.2f} {rows / seconds:>12,.0f} {memory / MB:>9,.0f}"


def _install_pandas() -> None:
    """Make the virtual environment of the other side, once for each state of its requirements."""
    ready = PANDAS / ".ready"
    if ready.exists() and ready.read_bytes() == REQUIREMENTS.read_bytes():
        return
    subprocess.run(["python3", "-m", "venv", "--clear", PANDAS], check=True)
    pip: list[str | Path] = [
        PANDAS / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--require-hashes", "-r", REQUIREMENTS], check=True)
    ready.write_bytes(REQUIREMENTS.read_bytes())


def _make(path: Path, size: int) -> int:
    """Write the file, unless it is there; returns its number of rows."""
    told = path.with_suffix(".rows")
    if not told.exists():
        rows, chance = 0, np.random.default_rng(20261122)
        with path.open("wb") as out:
            while out.tell() < size:
                _block(chance, rows).write_csv(out, include_header=not rows)
                rows += BLOCK
        told.write_text(str(rows), encoding="ascii")
    return int(told.read_text(encoding="ascii"))


def _block(chance: np.random.Generator, first: int) -> pl.DataFrame:
    """Return rows as a shop's log has them: numbers, words, dates, gaps."""
    number = np.arange(first, first + BLOCK)
    price = chance.integers(1, 50, BLOCK) * 50
    count = chance.integers(1, 12, BLOCK)
    when = pl.Series(1_700_000_000 + number * 13 + chance.integers(0, 12, BLOCK)).cast(pl.Int64)
    gaps = chance.random((3, BLOCK)) < 0.05  # noqa: PLR2004 - a twentieth is missing
    frame = pl.DataFrame(
        {
            "order": number + 1_000_000,
            "at": pl.from_epoch(when, time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S"),
            "delivered": pl.from_epoch(when + 86400 * 3, time_unit="s").dt.date().cast(pl.String),
            "city": chance.choice(CITIES, BLOCK),
            "customer": [f"C{value:07d}" for value in chance.integers(0, 300_000, BLOCK)],
            "product": [f"品番-{value:04d}" for value in chance.integers(0, 4000, BLOCK)],
            "price": price,
            "count": count,
            "amount": price * count,
            "weight_kg": np.round(chance.lognormal(0.5, 0.8, BLOCK), 3),
            "temperature": np.round(chance.normal(16, 9, BLOCK), 1),
            "discount": np.round(chance.beta(2, 20, BLOCK), 4),
            "member": chance.choice(["yes", "no"], BLOCK),
            "latitude": np.round(chance.normal(35.6, 0.4, BLOCK), 6),
            "longitude": np.round(chance.normal(139.7, 0.4, BLOCK), 6),
        }
    )
    return frame.with_columns(
        pl.when(pl.Series(gap)).then(None).otherwise(pl.col(name)).alias(name)
        for gap, name in zip(gaps, ("weight_kg", "temperature", "customer"), strict=True)
    )


def _profile(path: Path) -> Ran:
    with tempfile.TemporaryDirectory(dir=VAR) as folder:
        (output := Path(folder, "output")).mkdir()
        told = {"INPUT": str(path), "OUTPUT": str(output), "FILENAME": path.name, "LOCALE": "ja", "TMPDIR": folder}
        ran = _run([sys.executable, "-m", "analyses.csv_profile"], {**told, "PYTHONPATH": str(ROOT)})
        if not (output / "result" / "report.html").exists():
            raise SystemExit("csv_profile wrote no report")
        return ran


def _pandas(path: Path) -> Ran:
    return _run([str(PANDAS / "bin" / "python"), "-c", DESCRIBE, str(path)], {})


def _run(command: list[str], environment: Mapping[str, str]) -> Ran:
    """Run a command to its end, its output thrown away."""
    around = {"PATH": os.environ["PATH"], "HOME": str(VAR), **environment}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, *command], env=around, stdout=subprocess.PIPE, check=True
    )
    return Ran(time.perf_counter() - started, int(done.stdout))


if __name__ == "__main__":
    main()
