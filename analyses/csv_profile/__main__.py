"""`python -m analyses.csv_profile [--depth full|quick]`: profile the CSV file that INPUT names.

Environment: INPUT (file), OUTPUT (existing empty folder), FILENAME (what the customer calls the file),
LOCALE (ja or en), ORDER_ID, TMPDIR (scratch; up to twice the file's size). Writes OUTPUT/preview and
OUTPUT/result and exits 0; or exits 65 with OUTPUT/reason.json where the file is no table.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from analyses.csv_profile import encoding, plots, relations, report, sniff, stats, table, texts
from analyses.csv_profile.errors import NotATable

EX_DATAERR = 65


def main() -> int:
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m analyses.csv_profile")
    parser.add_argument("--depth", choices=("full", "quick"), default="full")
    return run(os.environ, full=parser.parse_args().depth == "full")


def run(environ: Mapping[str, str], *, full: bool) -> int:
    """Profile one file as `environ` says; returns the exit code."""
    output = Path(environ["OUTPUT"])
    try:
        with tempfile.TemporaryDirectory(prefix="csv-profile-") as scratch:
            _profile(environ, Path(scratch), output, full=full)
    except NotATable as error:
        reason = texts.reason(error.code, error.params)
        (output / "reason.json").write_text(json.dumps(reason, ensure_ascii=False), encoding="utf-8")
        print(reason["en"], file=sys.stderr)
        return EX_DATAERR
    _progress(100, "done")
    return 0


def _profile(environ: Mapping[str, str], scratch: Path, output: Path, *, full: bool) -> None:
    words = texts.Texts(environ.get("LOCALE", "ja"))
    _progress(1, "reading")
    source = encoding.to_utf8(Path(environ["INPUT"]), scratch)
    layout = sniff.sniff(source.path, words("column"))
    _progress(8, "table")
    data = table.ingest(source.path, layout, scratch)
    _progress(25, "columns")
    described = list(stats.describe(data))
    _progress(35, "relations")
    over = relations.over_time(data, described)
    found = report.Findings(
        filename=environ.get("FILENAME", "") or Path(environ["INPUT"]).name,
        order_id=environ.get("ORDER_ID", ""),
        source=source,
        layout=layout,
        table=data,
        stats=described,
        over=over,
        correlations=relations.correlate(data, described) if full else None,
    )
    _progress(40, "plots")
    plots.set_up()
    report.write_result(found, words, output, full=full)
    _progress(95, "preview")
    report.write_preview(found, words, output)


def _progress(percent: int, word: str) -> None:
    print(f"progress {percent} {word}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
