"""`python -m sandbox`: all stand-ins together; `python -m sandbox stripe` (or another): one alone."""

from __future__ import annotations

import shlex
import sys

from honcho.manager import Manager

from sandbox import config

PROGRAMS = ("stripe", "mailbox", "objectstore")


def main(names: list[str]) -> int:
    """Run the named stand-ins (none: all) until a signal comes or one of them ends; give the exit code."""
    unknown = set(names) - set(PROGRAMS)
    if unknown:
        print(f"Unknown stand-in: {', '.join(sorted(unknown))}. Known: {', '.join(PROGRAMS)}.", file=sys.stderr)
        return 2
    settings = config.load()
    print(f"Stripe stand-in  {settings.stripe_url}/_control")
    print(f"Mailbox          http://{config.HOST}:{settings.mailbox_port}  (SMTP {settings.smtp_port})")
    print(f"Object store     http://{config.HOST}:{settings.s3_port}  (keys test/test)")
    print(f"Kept in          {settings.dir}", flush=True)
    manager = Manager()
    for name in names or PROGRAMS:
        manager.add_process(name, f"exec {shlex.quote(sys.executable)} -m sandbox.{name}")
    manager.loop()
    return int(manager.returncode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
