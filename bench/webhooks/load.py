"""Run wrk against one server and read what it prints."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

LUA = Path(__file__).with_name("post.lua")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Result:
    """Requests a second, latencies in milliseconds, how many answers were not 2xx, whether events ran out."""

    rate: float
    p50: float
    p99: float
    refused: int
    repeated: bool


def run(url: str, events: Path, *, seconds: int, connections: int = 16, pause_ms: float = 0) -> Result:
    """Post events for some seconds; with `pause_ms` each connection waits that long between two."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(LUA), url]
    environment = {**os.environ, "EVENTS": str(events), "PAUSE_MS": str(pause_ms)}
    out = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout
    found = dict(re.findall(r"^\s+(50|99)%\s+(\S+)\s*$", out, re.MULTILINE))
    rate = re.search(r"^Requests/sec:\s+([0-9.]+)$", out, re.MULTILINE)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if rate is None or len(found) != 2:  # noqa: PLR2004  (the two that are read)
        raise RuntimeError(out)
    return Result(
        rate=float(rate[1]),
        p50=_ms(found["50"]),
        p99=_ms(found["99"]),
        refused=int(refused[1]) if refused else 0,
        repeated="REPEATED" in out,
    )


def _ms(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)(us|ms|s|m)", text)
    if match is None:
        raise RuntimeError(text)
    return float(match[1]) * _UNITS[match[2]]
