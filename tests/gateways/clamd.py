"""ClamAV's daemon on signatures of our own: it starts in a moment and needs no network.

Where it is not installed, a peer that speaks its protocol stands in, and says so.
"""

import hashlib
import shutil
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.helpers import free_port, process, wait_for

# The harmless file that every scanner finds (https://www.eicar.org/download-anti-malware-testfile/), in two pieces so
# that this one is not found.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MOST = 1024 * 1024  # bytes that it takes


@contextmanager
def clamd(folder: Path) -> Iterator[str]:
    """Run a scanner that knows EICAR and takes `MOST` bytes; give its address."""
    port = free_port()
    program = shutil.which("clamd") or shutil.which("/usr/sbin/clamd")
    if program is None:
        print("clamd is not installed (Debian: clamav-daemon): a peer that speaks its protocol stands in")  # noqa: T201
        with _Peer(("127.0.0.1", port), _Stream) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"127.0.0.1:{port}"
            server.shutdown()
        return
    signatures = folder / "signatures"
    signatures.mkdir()
    digest = hashlib.md5(EICAR, usedforsecurity=False).hexdigest()
    (signatures / "eicar.hdb").write_text(f"{digest}:{len(EICAR)}:Eicar-Test\n")
    (folder / "tmp").mkdir()
    settings = {
        "DatabaseDirectory": signatures,
        "TemporaryDirectory": folder / "tmp",
        "TCPSocket": port,
        "TCPAddr": "127.0.0.1",
        "Foreground": "yes",
        "StreamMaxLength": MOST,
    }
    config, log = folder / "clamd.conf", folder / "clamd.log"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with process(program, f"--config-file={config}", environment={}, log=log) as child:

        def listens() -> bool:
            assert child.poll() is None, log.read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
                return True
            return False

        wait_for(listens, 60, "clamd")
        yield f"127.0.0.1:{port}"


class _Peer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Stream(socketserver.StreamRequestHandler):
    """One connection: zINSTREAM, pieces with their length before them, an empty one, the answer (clamd(8))."""

    def handle(self) -> None:
        """Take a stream and answer."""
        if self.rfile.read(len(b"zINSTREAM\0")) != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        body = b""
        while length := struct.unpack("!I", self.rfile.read(4))[0]:
            body += self.rfile.read(length)
            if len(body) > MOST:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.wfile.write(b"stream: Eicar-Test FOUND\0" if body == EICAR else b"stream: OK\0")
