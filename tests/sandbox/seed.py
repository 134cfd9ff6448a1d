"""Many sessions at once, straight into the stand-in's file."""

from __future__ import annotations

import sqlite3


def fill(connection: sqlite3.Connection, template_id: str, count: int, addresses: int) -> None:
    """Store `count` copies of a session under ids of their own, their payers spread over `addresses`.

    With one address it is the template's own.
    """
    (body,) = connection.execute("SELECT body FROM objects WHERE id = ?", (template_id,)).fetchone()
    connection.execute(
        """
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
        INSERT INTO objects (id, object, created, body)
        SELECT :id || n, 'checkout.session', json_extract(:body, '$.created'), json_set(
            :body, '$.id', :id || n, '$.customer_details.email', CASE :addresses
                WHEN 1 THEN json_extract(:body, '$.customer_details.email')
                ELSE 'payer' || (n % :addresses) || '@example.com' END)
        FROM numbers
        """,
        {"count": count, "id": template_id[:40], "body": body, "addresses": addresses},
    )
