"""search of orders: what staff may hold in hand of an order in one row, with an index of its pieces; the last method

The row is made by the database itself, from a view, whenever its order or one of the order's vouchers changes: nobody
who writes an order has to think of it. (On SQLite a migration that rebuilds `orders` or `payments` drops its triggers
with the old table: it has to make those of FOLLOW anew.)

PostgreSQL: a GIN index of all pieces of three characters, and of two where a character is not ASCII, which is what
Japanese words need. Each piece begins with the number of the eight weeks in which its order was made, so that the
newest orders with a common word are found without those of years. Not pg_trgm: that drops Japanese in the locale C,
finds no word of two characters, and is an extension. SQLite: FTS5 with its trigrams.
"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UTC = app.models.base.UtcDateTime(timezone=True)
SOURCE = {
    "sqlite": """
        CREATE VIEW order_words_source AS SELECT orders.id AS order_id, orders.created_at AS created_at,
            lower(orders.filename || ' ' || orders.email || ' ' || orders.id || ' ' || replace(orders.id, '-', '')
            || coalesce((SELECT ' ' || group_concat(codes.atom, ' ')
                         FROM payments JOIN json_tree(payments.voucher, '$.stores') AS codes
                         WHERE payments.order_id = orders.id AND codes.type = 'text'), '')) AS words
        FROM orders
    """,
    # In the collation C a capital is one of A to Z on every machine, as it is in SQLite.
    "postgresql": """
        CREATE VIEW order_words_source AS SELECT orders.id AS order_id, orders.created_at AS created_at,
            lower((orders.filename || ' ' || orders.email || ' ' || orders.id || ' ' || replace(orders.id, '-', '')
            || coalesce((SELECT ' ' || string_agg(code #>> '{}', ' ')
                         FROM payments CROSS JOIN LATERAL jsonb_path_query(
                             CAST(payments.voucher AS jsonb), '$.stores.*.* ? (@.type() == "string")') AS code
                         WHERE payments.order_id = orders.id), '')) COLLATE "C") AS words
        FROM orders
    """,
}
FILL = """
    INSERT INTO order_words (order_id, created_at, words)
    SELECT order_id, created_at, words FROM order_words_source WHERE {which}
    ON CONFLICT (order_id) DO UPDATE SET words = excluded.words WHERE order_words.words <> excluded.words
"""
LAST_METHOD = """
    UPDATE orders SET method = (SELECT method FROM payments WHERE order_id = orders.id
                                ORDER BY created_at DESC, id DESC LIMIT 1)
"""
FOLLOWED = (
    # trigger, table, column with the OrderID, events
    ("orders_words_made", "orders", "id", "INSERT"),
    ("orders_words_changed", "orders", "id", "UPDATE OF email, filename"),
    ("payments_words_made", "payments", "order_id", "INSERT"),
    ("payments_words_changed", "payments", "order_id", "UPDATE OF voucher"),
)
FOLLOW = {
    "sqlite": [
        *(
            f"CREATE TRIGGER {name} AFTER {events} ON {table} BEGIN"
            f" {FILL.format(which=f'order_id = new.{column}')}; END"
            for name, table, column, events in FOLLOWED
        ),
        f"CREATE TRIGGER payments_last_method AFTER INSERT ON payments BEGIN"
        f" {LAST_METHOD} WHERE id = new.order_id; END",
    ],
    "postgresql": [
        *(
            f"CREATE FUNCTION {table}_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" {FILL.format(which=f'order_id = NEW.{column}')}; RETURN NULL; END $$"
            for table, column in (("orders", "id"), ("payments", "order_id"))
        ),
        *(
            f"CREATE TRIGGER {name} AFTER {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_words()"
            for name, table, _, events in FOLLOWED
        ),
        f"CREATE FUNCTION payments_last_method() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {LAST_METHOD} WHERE id = NEW.order_id; RETURN NULL; END $$",
        "CREATE TRIGGER payments_last_method AFTER INSERT ON payments"
        " FOR EACH ROW EXECUTE FUNCTION payments_last_method()",
    ],
}
INDEX = {
    "sqlite": [
        "CREATE VIRTUAL TABLE order_pieces USING fts5"
        " (words, content='order_words', content_rowid='number', tokenize='trigram', detail='none')",
        "CREATE VIRTUAL TABLE order_piece_terms USING fts5vocab ('order_pieces', 'row')",
        "INSERT INTO order_pieces (order_pieces) VALUES ('rebuild')",
        "CREATE TRIGGER order_words_made AFTER INSERT ON order_words BEGIN"
        " INSERT INTO order_pieces (rowid, words) VALUES (new.number, new.words); END",
        "CREATE TRIGGER order_words_gone AFTER DELETE ON order_words BEGIN"
        " INSERT INTO order_pieces (order_pieces, rowid, words) VALUES ('delete', old.number, old.words); END",
        "CREATE TRIGGER order_words_changed AFTER UPDATE ON order_words BEGIN"
        " INSERT INTO order_pieces (order_pieces, rowid, words) VALUES ('delete', old.number, old.words);"
        " INSERT INTO order_pieces (rowid, words) VALUES (new.number, new.words); END",
    ],
    "postgresql": [
        # 4838400 seconds are PERIOD of app.staff.search.
        "CREATE FUNCTION order_pieces(words text, created_at timestamptz) RETURNS text[]"
        " LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$"
        " SELECT array_agg(period || piece) FROM ("
        "  SELECT floor(extract(epoch FROM created_at) / 4838400) || ':' AS period OFFSET 0"
        " ) AS periods, ("
        "  SELECT substr(words, n, 3) AS piece FROM generate_series(1, length(words) - 2) AS n"
        "  UNION ALL"
        "  SELECT substr(words, n, 2) FROM generate_series(1, length(words) - 1) AS n"
        "  WHERE octet_length(words) > length(words) AND octet_length(substr(words, n, 2)) > 2"
        " ) AS pieces $$",
        # Without fastupdate: a search would have to read the list of what is not in the index yet.
        "CREATE INDEX ix_order_words_pieces ON order_words"
        " USING gin (order_pieces(words, created_at)) WITH (fastupdate = off)",
    ],
}
NO_INDEX = {
    "sqlite": [
        *(f"DROP TRIGGER order_words_{name}" for name in ("made", "gone", "changed")),
        "DROP TABLE order_piece_terms",
        "DROP TABLE order_pieces",
    ],
    "postgresql": ["DROP INDEX ix_order_words_pieces", "DROP FUNCTION order_pieces(text, timestamptz)"],
}
NOT_FOLLOW = {
    "sqlite": [*(f"DROP TRIGGER {name}" for name, *_ in FOLLOWED), "DROP TRIGGER payments_last_method"],
    "postgresql": [
        *(f"DROP TRIGGER {name} ON {table}" for name, table, *_ in FOLLOWED),
        "DROP TRIGGER payments_last_method ON payments",
        *(f"DROP FUNCTION {name}()" for name in ("orders_words", "payments_words", "payments_last_method")),
    ],
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("method", sa.String(length=20), nullable=True))
    op.execute(LAST_METHOD)
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("ix_orders_method_newest", ["method", "created_at", "id"], unique=False)
    words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "order_words",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("words", words, nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_words_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_order_words")),
        sa.UniqueConstraint("order_id", name=op.f("uq_order_words_order_id")),
    )
    op.execute(SOURCE[dialect])
    op.execute(FILL.format(which="true ORDER BY created_at, order_id"))
    for statement in (*INDEX[dialect], *FOLLOW[dialect]):
        op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for statement in (*NOT_FOLLOW[dialect], *NO_INDEX[dialect], "DROP VIEW order_words_source"):
        op.execute(statement)
    op.drop_table("order_words")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index("ix_orders_method_newest")
        batch_op.drop_column("method")
