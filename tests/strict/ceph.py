"""Ceph's object gateway with a whole small cluster behind it, all in one folder, in memory, on 127.0.0.1.

A store that enforces what AWS enforces: signatures, their ends, and every condition of a POST policy. Debian's packages
`ceph-mon`, `ceph-osd` and `radosgw` (16.2); nobody has to be root to run them. Keys: test, test.
https://docs.ceph.com/en/pacific/install/manual-deployment/ with authentication off inside the cluster.
"""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.helpers import answers, free_port, process, wait_for

PROGRAMS = ("monmaptool", "ceph-mon", "ceph", "ceph-osd", "radosgw", "radosgw-admin")
CONFIG = """
[global]
fsid = {fsid}
mon_host = v2:127.0.0.1:{mon}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
run_dir = {folder}
admin_socket =
log_file = {folder}/$name.log
crash_dir = {folder}
# One copy in memory, one placement group a pool: nothing here has to survive.
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_heartbeat_grace = 600
# The start waits for the monitor to agree with itself, again and again: by default a second each time.
paxos_propose_interval = 0.02
paxos_min_wait = 0.005
mon_data_avail_crit = 0
mon_osd_cache_size_min = 33554432
[mon.a]
mon_data = {folder}/mon
[osd.0]
osd_data = {folder}/osd
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{gateway}
rgw_thread_pool_size = 32
rgw_num_control_oids = 1
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
rgw_enable_lc_threads = false
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
"""


def missing() -> str:
    """Say which programs the machine lacks; an empty text: none."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"no {', '.join(lacking)} here (Debian: ceph-mon, ceph-osd, radosgw)" if lacking else ""


@contextmanager
def radosgw(folder: Path) -> Iterator[str]:
    """Start a cluster in a new folder; give the gateway's address."""
    folder.mkdir()
    for name in ("mon", "osd"):
        (folder / name).mkdir()
    fsid, mon, gateway = str(uuid.uuid4()), free_port(), free_port()
    config = folder / "ceph.conf"
    config.write_text(CONFIG.format(fsid=fsid, mon=mon, gateway=gateway, folder=folder))

    def run(program: str, *words: str) -> str:
        command = [program, "-c", str(config), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    with ExitStack() as stack:

        def start(program: str, *words: str) -> None:
            # In their own groups: whatever goes wrong, all of them are ended.
            log = folder / f"{program}.out"
            stack.enter_context(process(program, "-c", str(config), "-f", *words, environment={}, log=log))

        monmap = str(folder / "monmap")
        run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon}]", monmap)
        run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
        start("ceph-mon", "-i", "a")
        disk = str(uuid.uuid4())
        run("ceph", "osd", "new", disk)
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        start("ceph-osd", "-i", "0")
        user = ("--uid=test", "--display-name=test", "--access-key=test", "--secret-key=test")
        run("radosgw-admin", "user", "create", *user)
        start("radosgw", "-n", "client.rgw")
        address = f"http://127.0.0.1:{gateway}"
        wait_for(lambda: answers(address), 120, "radosgw")
        yield address
