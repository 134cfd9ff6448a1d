"""`python -m tests.delivery.grown ORDER_ID`: build a deliverable; print by how many bytes memory grew, and its size.

The peak is what Linux says of this process (VmHWM), taken anew before the build.
"""

import re
import sys
from pathlib import Path

from app import create_app
from app.delivery.bundle import put_together
from app.models import Order
from app.portal import EXTENSION, Portal


def memory(what: str) -> int:
    """Return a line of the kernel's about this process, in bytes."""
    found = re.search(rf"^{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def main(order_id: str) -> None:
    """Build and measure."""
    app = create_app()
    portal: Portal = app.extensions[EXTENSION]
    with app.app_context():
        order = Order(id=order_id, filename="large.csv", locale="ja", created_at=portal.clock())
        list(portal.storage.list(f"results/{order_id}/"))  # boto3 reads what it knows of S3 when first used
        Path("/proc/self/clear_refs").write_text("5")
        before = memory("VmRSS")
        (file,) = put_together(order)["files"]
        print(memory("VmHWM") - before, file["size"])  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
