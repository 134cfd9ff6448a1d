"""An analysis program that behaves, or misbehaves, as its argument says."""

import json
import os
import signal
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

OUTPUT = Path(os.environ.get("OUTPUT", "."))
SUMMARY = {
    "facts": [{"label": {"ja": "行数", "en": "Rows"}, "value": "2"}],
    "image": "plot.png",
    "alt": {"ja": "図", "en": "Plot"},
}
PNG = b"\x89PNG\r\n\x1a\n" + zlib.compress(b"a small plot")


def write(name: str, body: bytes | str) -> None:
    """Write a file below OUTPUT."""
    path = OUTPUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body if isinstance(body, bytes) else body.encode())


def preview(**changes: object) -> None:
    """Write a preview that is right but for the changes."""
    write("preview/summary.json", json.dumps({**SUMMARY, **changes}))
    write("preview/plot.png", PNG)


def result() -> None:
    """Write a small result: what was given, and who it is for."""
    given = {name: os.environ[name] for name in ("FILENAME", "LOCALE", "ORDER_ID")}
    write("result/report.html", json.dumps(given, ensure_ascii=False))
    write("result/tables/rows.csv", Path(os.environ["INPUT"]).read_bytes())
    write("result/tables/odd.exe", b"MZ")


def good() -> None:
    """Do all that is asked."""
    sys.stdout.write("progress 40 counting\n")
    preview()
    result()


def wait() -> None:
    """Say that the run began, and wait until somebody opens the pipe."""
    write("run", os.urandom(8).hex())
    Path(sys.argv[2]).read_bytes()
    good()


def refuse() -> None:
    """Say that the file is no table."""
    write("reason.json", json.dumps({"ja": "表ではありません。", "en": "This is no table."}))
    sys.stderr.write("looked at 3 bytes\n")
    sys.exit(65)


def crash() -> None:
    """Fail as programs do."""
    raise RuntimeError("the program's own fault")


def sleep() -> None:
    """Never end."""
    write("run", os.urandom(8).hex())
    signal.pause()


def hungry() -> None:
    """Take more memory than there is."""
    bytearray(8 * 1024**3)


BAD_OUTPUT: dict[str, tuple[Callable[[], object], ...]] = {
    "no-preview": (result,),
    "no-result": (preview,),
    "link": (preview, result, partial(os.symlink, "/etc/passwd", OUTPUT / "result/passwd")),
    "folder-link": (preview, partial(os.symlink, "/etc", OUTPUT / "result")),
    "pipe": (preview, result, partial(os.mkfifo, OUTPUT / "result/pipe")),
    "name": (preview, result, partial(write, "result/a\nb.csv", "x")),
    "escape": (partial(preview, image="../../secret.png"), result),
    "no-png": (preview, partial(write, "preview/plot.png", "<svg onload=alert(1)>"), result),
    "more-keys": (partial(preview, html="<b>"), result),
    "huge-summary": (partial(preview, alt={"ja": "x" * 70_000, "en": "x"}), result),
    "long-text": (partial(preview, alt={"ja": "x" * 400, "en": "x"}), result),
    "many-files": (preview, *(partial(write, f"result/{n}.csv", "") for n in range(1001))),
    "no-reason": (partial(sys.exit, 65),),
}
MOODS: dict[str, tuple[Callable[[], object], ...]] = {
    "good": (good,),
    "wait": (wait,),
    "refuse": (refuse,),
    "crash": (crash,),
    "sleep": (sleep,),
    "pause": (sleep,),  # with more time
    "hungry": (hungry,),
    **BAD_OUTPUT,
}

if __name__ == "__main__":
    for act in MOODS[sys.argv[1]]:
        act()
