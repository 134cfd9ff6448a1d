"""The portal's contract with an analysis program (docs/analysis-program.md), kept in one place."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from analyses.kit.texts import Pairs, in_every

EX_DATAERR = 65


class CannotAnalyse(Exception):  # noqa: N818 - it names what is told to the customer
    """The customer's file is not one that this program analyses.

    `code` is a key of the program's reasons; `params` fill its placeholders.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class Job:
    """One order: the file, where to write, what the customer calls the file, the language of the report."""

    input: Path
    output: Path
    filename: str
    locale: str
    order_id: str

    @classmethod
    def told_by(cls, environ: Mapping[str, str]) -> "Job":
        """Read the order from the environment."""
        return cls(
            input=Path(environ["INPUT"]),
            output=Path(environ["OUTPUT"]),
            filename=environ.get("FILENAME", "") or Path(environ["INPUT"]).name,
            locale=environ.get("LOCALE", "ja"),
            order_id=environ.get("ORDER_ID", ""),
        )


def run(environ: Mapping[str, str], analyse: Callable[[Job, Path], None], reasons: Pairs) -> int:
    """Run `analyse` on the order that `environ` tells, with a scratch folder; returns the exit code.

    A CannotAnalyse becomes OUTPUT/reason.json and exit code 65; any other error is the program's own.
    """
    job = Job.told_by(environ)
    try:
        with tempfile.TemporaryDirectory(prefix="analysis-") as scratch:
            analyse(job, Path(scratch))
    except CannotAnalyse as error:
        reason = in_every(reasons, error.code, **error.params)
        (job.output / "reason.json").write_text(json.dumps(reason, ensure_ascii=False), encoding="utf-8")
        print(reason["en"], file=sys.stderr)
        return EX_DATAERR
    progress(100, "done")
    return 0


def progress(percent: int, word: str) -> None:
    """Tell the order's page how far the analysis is: percent, and one word for staff."""
    print(f"progress {percent} {word}", flush=True)
