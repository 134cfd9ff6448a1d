"""the back office: staff log, notes, saved views, attention, refund requests, true fees"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

UTC = app.models.base.UtcDateTime(timezone=True)
OWED = sa.text("state <> 'delivered' AND coalesce(money, '') IN ('paid', 'partly_refunded')")
FETCHED = sa.text("fetched_at IS NOT NULL")
APPEND_ONLY = {
    'sqlite': [
        f"CREATE TRIGGER staff_log_no_{verb} BEFORE {verb} ON staff_log"
        " BEGIN SELECT RAISE(ABORT, 'the staff log only grows'); END"
        for verb in ('update', 'delete')
    ],
    'postgresql': [
        "CREATE FUNCTION staff_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the staff log only grows'; END $$",
        "CREATE TRIGGER staff_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION staff_log_only_grows()",
    ],
}
ANY_CHANGE = {
    'sqlite': [f"DROP TRIGGER staff_log_no_{verb}" for verb in ('update', 'delete')],
    'postgresql': ["DROP TRIGGER staff_log_only_grows ON staff_log", "DROP FUNCTION staff_log_only_grows"],
}


def upgrade() -> None:
    op.create_table('attention',
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('taken_by', sa.String(length=254), nullable=True),
    sa.Column('taken_at', UTC, nullable=True),
    sa.Column('closed_by', sa.String(length=254), nullable=True),
    sa.Column('closed_at', UTC, nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('kind', 'subject', name=op.f('pk_attention'))
    )
    with op.batch_alter_table('attention', schema=None) as batch_op:
        batch_op.create_index('ix_attention_closed_at', ['closed_at'], unique=False)

    op.create_table('staff_log',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('at', UTC, nullable=False),
    sa.Column('member', sa.String(length=254), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('network', sa.String(length=64), nullable=True),
    sa.Column('action', sa.String(length=60), nullable=False),
    sa.Column('object_id', sa.String(length=200), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('before', sa.String(length=64), nullable=True),
    sa.Column('after', sa.String(length=64), nullable=True),
    sa.Column('previous', sa.String(length=64), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_staff_log'))
    )
    with op.batch_alter_table('staff_log', schema=None) as batch_op:
        batch_op.create_index('ix_staff_log_action_seq', ['action', 'seq'], unique=False)
        batch_op.create_index('ix_staff_log_member_seq', ['member', 'seq'], unique=False)
        batch_op.create_index('ix_staff_log_object_seq', ['object_id', 'seq'], unique=False)

    op.create_table('customer_views',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('member', sa.String(length=254), nullable=False),
    sa.Column('session_id', sa.String(length=64), nullable=False),
    sa.Column('order_id', sa.String(length=36), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('begun_at', UTC, nullable=False),
    sa.Column('ends_at', UTC, nullable=False),
    sa.Column('ended_at', UTC, nullable=True),
    sa.ForeignKeyConstraint(['member'], ['staff.email'], name=op.f('fk_customer_views_member'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_customer_views_order_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_views'))
    )
    with op.batch_alter_table('customer_views', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customer_views_member'), ['member'], unique=False)
        batch_op.create_index(batch_op.f('ix_customer_views_order_id'), ['order_id'], unique=False)

    op.create_table('notes',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('order_id', sa.String(length=36), nullable=False),
    sa.Column('author', sa.String(length=254), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('created_at', UTC, nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_notes_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notes'))
    )
    with op.batch_alter_table('notes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notes_order_id'), ['order_id'], unique=False)

    op.create_table('saved_views',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('member', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('query', sa.String(length=1000), nullable=False),
    sa.Column('created_at', UTC, nullable=False),
    sa.ForeignKeyConstraint(['member'], ['staff.email'], name=op.f('fk_saved_views_member'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_views')),
    sa.UniqueConstraint('member', 'name', name=op.f('uq_saved_views_member_name'))
    )
    op.create_table('balance_transactions',
    sa.Column('id', sa.String(length=100), nullable=False),
    sa.Column('payment_id', sa.String(length=36), nullable=False),
    sa.Column('type', sa.String(length=60), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('fee', sa.Integer(), nullable=False),
    sa.Column('net', sa.Integer(), nullable=False),
    sa.Column('created_at', UTC, nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_balance_transactions_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_balance_transactions'))
    )
    with op.batch_alter_table('balance_transactions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_balance_transactions_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_balance_transactions_payment_id'), ['payment_id'], unique=False)

    op.create_table('refund_requests',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('payment_id', sa.String(length=36), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('asked_by', sa.String(length=254), nullable=False),
    sa.Column('asked_at', UTC, nullable=False),
    sa.Column('decided_by', sa.String(length=254), nullable=True),
    sa.Column('decided_at', UTC, nullable=True),
    sa.Column('refund_id', sa.String(length=100), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refund_requests_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund_requests'))
    )
    with op.batch_alter_table('refund_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refund_requests_payment_id'), ['payment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_refund_requests_state'), ['state'], unique=False)

    with op.batch_alter_table('mails', schema=None) as batch_op:
        batch_op.create_index('ix_mails_failed', ['created_at'], unique=False, sqlite_where=sa.text("state = 'failed'"), postgresql_where=sa.text("state = 'failed'"))

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.add_column(sa.Column('downloads_closed_at', UTC, nullable=True))
        batch_op.create_index('ix_orders_attention', ['created_at', 'id'], unique=False, sqlite_where=sa.text('attention IS NOT NULL'), postgresql_where=sa.text('attention IS NOT NULL'))
        batch_op.create_index('ix_orders_money_newest', ['money', 'created_at', 'id'], unique=False)
        batch_op.create_index('ix_orders_owed', ['paid_at', 'id'], unique=False, sqlite_where=OWED, postgresql_where=OWED)
        batch_op.create_index('ix_orders_paid_at', ['paid_at', 'id'], unique=False)
        batch_op.create_index('ix_orders_price_newest', ['price', 'created_at', 'id'], unique=False)
        batch_op.create_index('ix_orders_product_newest', ['product', 'created_at', 'id'], unique=False)

    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.create_index('ix_payments_paid_at', ['paid_at'], unique=False)
        batch_op.create_index('ix_payments_created_at', ['created_at'], unique=False)

    with op.batch_alter_table('refunds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refunds_created_at'), ['created_at'], unique=False)

    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_runs_started_at'), ['started_at'], unique=False)

    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.create_index('ix_audit_downloads', ['order_id'], unique=False, sqlite_where=sa.text("kind = 'file.downloaded'"), postgresql_where=sa.text("kind = 'file.downloaded'"))

    with op.batch_alter_table('stripe_events', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fetched_at', UTC, nullable=True))
        batch_op.create_index('ix_stripe_events_fetched', ['received_at', 'id'], unique=False, sqlite_where=FETCHED, postgresql_where=FETCHED)

    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('invited_by', sa.String(length=254), nullable=True))

    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in ANY_CHANGE[op.get_bind().dialect.name]:
        op.execute(statement)
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.drop_column('invited_by')

    with op.batch_alter_table('stripe_events', schema=None) as batch_op:
        batch_op.drop_index('ix_stripe_events_fetched', sqlite_where=FETCHED, postgresql_where=FETCHED)
        batch_op.drop_column('fetched_at')

    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.drop_index('ix_audit_downloads', sqlite_where=sa.text("kind = 'file.downloaded'"), postgresql_where=sa.text("kind = 'file.downloaded'"))

    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_runs_started_at'))

    with op.batch_alter_table('refunds', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refunds_created_at'))

    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_index('ix_payments_created_at')
        batch_op.drop_index('ix_payments_paid_at')

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_index('ix_orders_product_newest')
        batch_op.drop_index('ix_orders_price_newest')
        batch_op.drop_index('ix_orders_paid_at')
        batch_op.drop_index('ix_orders_owed', sqlite_where=OWED, postgresql_where=OWED)
        batch_op.drop_index('ix_orders_money_newest')
        batch_op.drop_index('ix_orders_attention', sqlite_where=sa.text('attention IS NOT NULL'), postgresql_where=sa.text('attention IS NOT NULL'))
        batch_op.drop_column('downloads_closed_at')

    with op.batch_alter_table('mails', schema=None) as batch_op:
        batch_op.drop_index('ix_mails_failed', sqlite_where=sa.text("state = 'failed'"), postgresql_where=sa.text("state = 'failed'"))

    with op.batch_alter_table('refund_requests', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refund_requests_state'))
        batch_op.drop_index(batch_op.f('ix_refund_requests_payment_id'))

    op.drop_table('refund_requests')
    with op.batch_alter_table('balance_transactions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_balance_transactions_payment_id'))
        batch_op.drop_index(batch_op.f('ix_balance_transactions_created_at'))

    op.drop_table('balance_transactions')
    op.drop_table('saved_views')
    with op.batch_alter_table('notes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notes_order_id'))

    op.drop_table('notes')
    with op.batch_alter_table('customer_views', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_customer_views_order_id'))
        batch_op.drop_index(batch_op.f('ix_customer_views_member'))

    op.drop_table('customer_views')
    with op.batch_alter_table('staff_log', schema=None) as batch_op:
        batch_op.drop_index('ix_staff_log_object_seq')
        batch_op.drop_index('ix_staff_log_member_seq')
        batch_op.drop_index('ix_staff_log_action_seq')

    op.drop_table('staff_log')
    with op.batch_alter_table('attention', schema=None) as batch_op:
        batch_op.drop_index('ix_attention_closed_at')

    op.drop_table('attention')
