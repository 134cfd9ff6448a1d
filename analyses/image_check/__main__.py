"""`python -m analyses.image_check`: check whether the picture that INPUT names is fit for printing.

Keeps the contract of docs/analysis-program.md. Memory: up to 2 GB, for a WebP of opening.MAX_PIXELS.
"""

import os
import sys
from pathlib import Path

from analyses.image_check import colours, findings, measures, opening, papers, report, texts
from analyses.kit import plots, program
from analyses.kit.program import Job, progress


def main() -> int:
    """Run the program; returns its exit code."""
    return program.run(os.environ, check, texts.REASONS)


def check(job: Job, _scratch: Path) -> None:
    """Check one picture."""
    progress(1, "opening")
    photo = opening.opened(job.input)
    progress(20, "measuring")
    measured = measures.measure(photo.picture)
    progress(65, "colours")
    found = report.Findings(
        filename=job.filename,
        order_id=job.order_id,
        photo=photo,
        measured=measured,
        prints=papers.prints(photo.picture.size, measured.detail),
        colours=colours.dominant(photo.picture),
        remarks=findings.remarks(photo, measured),
    )
    progress(70, "report")
    plots.set_up()
    words = texts.in_language(job.locale)
    report.write_result(found, words, job.output)
    progress(95, "preview")
    report.write_preview(found, words, job.output)


if __name__ == "__main__":
    sys.exit(main())
