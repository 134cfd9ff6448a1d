"""The fault matrix, row by row: where its test is, or why there is none. `test_rows.py` holds it against the tree."""

KINDS = {"K": 12, "D": 9, "S": 6, "M": 4, "Q": 3, "P": 11, "C": 3, "N": 3, "H": 2}
ROWS = [f"{kind}{number}" for kind, count in KINDS.items() for number in range(1, count + 1)]

CANNOT_HAPPEN = {
    "Q1": "The queues are tables of the portal's own database: a queue that is down is a database that is down (D1).",
    "M3": "The portal reads no bounce or complaint notices of SES; AWS's own suppression list holds such addresses.",
}
"""Rows that this portal can't meet, and why."""

ONE_DATABASE = {
    "D1": "SQLite is a part of the process: it can be locked (D4) or full (D7), not away.",
    "D3": "SQLite has no connection that a network could drop.",
    "D5": "SQLite has one writer at a time and BEGIN IMMEDIATE: no deadlock, no serialization failure.",
    "D9": "A file is not failed over to a copy.",
}
"""Rows that are tested on PostgreSQL only, and why."""

SHORT = (
    "test_k1_k2",
    "test_k3",
    "test_k5_k6_k7_k8",
    "test_k9",
    "test_d3",
    "test_d4_another_writer_holds_the_database[",
    "test_s3",
    "test_p7",
    "test_c1",
    "test_n1",
    "test_n2",
)
"""Beginnings of the names of the tests in the short form, which every CI run plays; FAULTS=whole plays all."""
