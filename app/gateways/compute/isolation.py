"""How a program can be shut in on a machine."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# Of systemd's DynamicUser: no other account has these numbers (https://systemd.io/UIDS-GIDS/).
USERS = range(61184, 65520)
ROOMS = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108  (they are hidden, not used)
_NAMESPACES = ("unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc")
_OWN_ROOT = (*_NAMESPACES, "--user", "--map-root-user")


@dataclass(frozen=True)
class Isolation:
    """A way to shut a program in.

    `prefix` is the command that gives it namespaces of its own: no network, no sight of other processes and of what
    `hidden` returns. `own_user`: it runs as a user that owns nothing else.
    """

    prefix: tuple[str, ...] = ()
    own_user: bool = False

    def user(self, run_id: str) -> int | None:
        """Return the number of the user that a run gets, or None for the worker's own user."""
        return USERS[int.from_bytes(run_id.encode()) % len(USERS)] if self.own_user else None

    def kept(self, folder: Path, command: Sequence[str]) -> list[str]:
        """Return folders that stay, wherever they are: the run's own, the portal's code, Python, the program's."""
        programs = [Path(word).parent for word in command if word.startswith("/") and Path(word).exists()]
        return sorted({str(path.resolve()) for path in (folder, *_needed(), *programs)})

    def hidden(self, kept: Sequence[str], private: Sequence[Path] = ()) -> list[str]:
        """Return folders and files that no program may see, and folders that bar its user's way to what is kept.

        `private` are files that are hidden with those whose names begin with theirs (a database and its log).
        """
        paths = [Path.home(), Path(tempfile.gettempdir()), *map(Path, ROOMS), *ROOT.glob(".env*"), ROOT / "var"]
        paths.extend(found for path in private for found in path.parent.glob(f"{path.name}*"))
        if self.own_user:
            paths.extend(_barred())
        return sorted({str(path.resolve()) for path in paths if path.exists()} - {"/", *kept})


def ways() -> list[Isolation]:
    """Return the ways to shut a program in that this process may try, the best first."""
    if os.geteuid() == 0:
        return [Isolation(_NAMESPACES, own_user=True), Isolation(own_user=True), Isolation(_NAMESPACES), Isolation()]
    return ways_of_users()


def ways_of_users() -> list[Isolation]:
    """Return the ways that any user may try."""
    return [Isolation(_OWN_ROOT), Isolation()]


def _needed() -> list[Path]:
    return [ROOT, Path(sys.prefix), Path(sys.base_prefix)]


def _barred() -> Iterator[Path]:
    """Yield the outermost folder above each needed one that another user can't pass."""
    for path in _needed():
        yield from [parent for parent in reversed(path.parents) if not parent.stat().st_mode & 1][:1]
