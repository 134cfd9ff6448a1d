"""`python -m analyses.csv_profile [--depth full|quick]`: profile the CSV file that INPUT names.

Keeps the contract of docs/analysis-program.md. TMPDIR needs up to twice the file's size.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from analyses.csv_profile import encoding, relations, report, sniff, stats, table, texts
from analyses.csv_profile.stats import ColumnStats
from analyses.kit import plots, program
from analyses.kit.program import Job, progress


def main() -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyses.csv_profile")
    parser.add_argument("--depth", choices=("full", "quick"), default="full")
    full = parser.parse_args().depth == "full"
    return program.run(os.environ, partial(profile, full=full), texts.REASONS)


def profile(job: Job, scratch: Path, *, full: bool) -> None:
    """Profile one file; `full` adds plots, frequent values and relations to the table of columns."""
    words = texts.Texts(job.locale)
    progress(1, "reading")
    source = encoding.to_utf8(job.input, scratch)
    layout = sniff.sniff(source.path, words("column"))
    progress(8, "table")
    data = table.ingest(source.path, layout, scratch)
    progress(50, "columns")
    plots.set_up()
    coming, kept = itertools.tee(_told(stats.describe(data), len(data.columns)))
    pictures = report.draw_columns(coming, words, job.output) if full else {}
    described = list(kept)
    progress(80, "relations")
    found = report.Findings(
        filename=job.filename,
        order_id=job.order_id,
        source=source,
        layout=layout,
        table=data,
        stats=described,
        pictures=pictures,
        over=relations.over_time(data, described),
        correlations=relations.correlate(data, described) if full else None,
    )
    progress(85, "plots")
    report.write_result(found, words, job.output, full=full)
    progress(95, "preview")
    report.write_preview(found, words, job.output)


def _told(described: Iterator[ColumnStats], columns: int) -> Iterator[ColumnStats]:
    for number, stat in enumerate(described, 1):
        yield stat
        progress(50 + 30 * number // columns, "columns")


if __name__ == "__main__":
    sys.exit(main())
