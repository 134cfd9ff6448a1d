# ruff: noqa: PTH103, PTH110, PTH112, PTH116, PTH118, PTH123, PTH208 -- it looks at /proc all the time, and starts without pathlib
"""The box around one analysis program: `python -I -S box.py`, which `local.py` starts in namespaces of its own.

It reads its plan as one line of JSON on standard input, hides what the program must not see, starts it with limits, and
looks after it. Standard input stays open as long as somebody wants the run: its end (the worker closed it, or died)
ends the program. When the program has ended, whatever it started is killed, and one line of JSON on the file
descriptor `report` says how it ended. It knows nothing of the portal and needs Python's standard library alone.
"""

import ctypes
import json
import os
import select
import signal
import stat
import subprocess
import sys
import time
from typing import Any

LOOK_S = 0.2  # between two looks at memory and disk; looking takes a twentieth of the time at most
PROCESSES = 256
FILES = 100_000
SHARED_MEMORY = 64 * 1024**2  # bytes in /dev/shm, as in a container of Docker
STDIN = 0
MS_BIND = 4096
PR_SET_CHILD_SUBREAPER = 36

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Run one program to its end."""
    plan = json.loads(sys.stdin.buffer.readline())
    if plan["namespaces"]:
        _hide(plan["hide"], plan["keep"])
    # What a program leaves behind becomes a child of this process, so it can be found, counted and killed.
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(_limited(plan), cwd=plan["cwd"], env=plan["environment"], stdin=subprocess.DEVNULL)
    watch = Watch(plan, child.pid)
    ended = watch.until_end()
    watch.kill_all()
    child.returncode = watch.exit_code  # reaped already
    with os.fdopen(plan["report"], "w") as report:
        json.dump({"ended": ended, "exit_code": watch.exit_code, "peak_memory": watch.peak}, report)


def _limited(plan: dict[str, Any]) -> list[str]:
    """Return the program's command line behind setpriv and prlimit, two tools of every Debian system."""
    user = [f"--reuid={plan['user']}", f"--regid={plan['user']}", "--clear-groups"] if plan["user"] else []
    powers = ["--bounding-set=-all"] if plan["user"] or plan["namespaces"] else []
    count = [f"--nproc={2 * PROCESSES}"] if plan["user"] or plan["namespaces"] else []
    return [
        *("setpriv", "--pdeathsig=KILL", "--no-new-privs", "--inh-caps=-all", *powers, *user),
        # Writable memory (decision 006); `Watch` adds up what all processes of the program hold.
        *("prlimit", f"--data={plan['memory_limit']}", f"--fsize={plan['disk_limit']}"),
        *("--core=0", "--nofile=1024", f"--cpu={plan['time_limit'] * (os.cpu_count() or 1)}", *count),
        *("--", *plan["command"]),
    ]


class Watch:
    """Looks after a program: its end, its time, its memory, its disk, and what it leaves behind."""

    def __init__(self, plan: dict[str, Any], pid: int) -> None:
        self.plan = plan
        self.pid = pid
        self.exit_code: int | None = None
        self.peak = 0

    def until_end(self) -> str:
        """Wait; return why it is over, as `Finished.ended` has it."""
        plan, end = self.plan, time.monotonic() + self.plan["time_limit"]
        ended, pause = os.pidfd_open(self.pid), 0.0
        while True:
            ready = select.select([STDIN, ended], [], [], max(0.0, min(pause, end - time.monotonic())))[0]
            begun = time.monotonic()
            running = family()
            self.peak = max(self.peak, held := memory(running, plan["memory_limit"]))
            if disk(plan["folder"], running) > plan["disk_limit"]:
                return "out_of_disk"
            if ended in ready:
                return "exited"
            if STDIN in ready:
                return "cancelled"
            if begun >= end:
                return "timed_out"
            if held > plan["memory_limit"]:
                return "out_of_memory"
            if len(running) > PROCESSES:
                return "too_many_processes"
            self._reap()
            pause = max(LOOK_S, 20 * (time.monotonic() - begun))

    def kill_all(self) -> None:
        """Kill every descendant, until there is none: each killed one's children come to this process."""
        while True:
            for pid in family():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if not self._reap():
                return
            time.sleep(0.001)

    def _reap(self) -> bool:
        """Take note of processes that have ended; return whether there are others."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.peak = max(self.peak, usage.ru_maxrss * 1024)
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)


def family() -> list[int]:
    """Return the descendants of this process."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            text = _read(f"/proc/{name}/stat")
            if text:
                children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(name))
    found = list(children.get(os.getpid(), []))
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def memory(pids: list[int], limit: int) -> int:
    """Return how much memory processes hold, in bytes, without files that are only mapped.

    Pages that processes share are counted once for each, which is quick; only where that is too much are they shared
    out, which takes the kernel a walk through all of them.
    """
    quick = sum(_sizes(f"/proc/{pid}/status", "RssAnon", "RssShmem") for pid in pids)
    if quick <= limit:
        return quick
    return min(quick, sum(_sizes(f"/proc/{pid}/smaps_rollup", "Pss_Anon", "Pss_Shmem") for pid in pids) or quick)


def _sizes(path: str, *names: str) -> int:
    rows = (line.split() for line in _read(path).splitlines())
    return sum(int(row[1]) * 1024 for row in rows if len(row) > 1 and row[0].rstrip(":") in names)


def disk(folder: str, pids: list[int]) -> int:
    """Return the room in bytes that a folder takes (but for `input`), deleted files that are still open with it."""
    seen: dict[tuple[int, int], int] = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if len(seen) > FILES:
                return sys.maxsize
            if parent != folder or name != "input":
                _add(seen, os.path.join(parent, name))
    for pid in pids:
        try:
            handles = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for handle in handles:
            _add(seen, f"/proc/{pid}/fd/{handle}", deleted=True)
    return sum(seen.values())


def _add(seen: dict[tuple[int, int], int], path: str, *, deleted: bool = False) -> None:
    try:
        found = os.stat(path, follow_symlinks=deleted)
    except OSError:
        return
    if not deleted or (found.st_nlink == 0 and stat.S_ISREG(found.st_mode)):
        seen[found.st_dev, found.st_ino] = found.st_blocks * 512


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""  # that process has just ended


def _hide(hidden: list[str], kept: list[str]) -> None:
    """Lay something empty over folders and files, in this mount namespace; what is kept inside stays in its place."""
    opened = {path: os.open(path, os.O_PATH) for path in sorted(kept)}
    for path in sorted(hidden):
        if not os.path.exists(path):
            continue  # it was in a folder that is covered by now
        if not os.path.isdir(path):
            _mount("/dev/null", path, None, MS_BIND, None)
            continue
        mode = "size=1m,mode=755" if path != "/dev/shm" else f"size={SHARED_MEMORY},mode=1777"  # noqa: S108
        _mount("tmpfs", path, "tmpfs", 0, mode)
        for inside, handle in opened.items():
            if inside.startswith(f"{path}/"):
                os.makedirs(inside, exist_ok=True)
                _mount(f"/proc/self/fd/{handle}", inside, None, MS_BIND, None)
    for handle in opened.values():
        os.close(handle)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None) -> None:
    texts = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    if libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]):
        raise OSError(ctypes.get_errno(), f"mount on {target}")


if __name__ == "__main__":
    main()
