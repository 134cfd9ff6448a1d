"""runs of analyses, unfinished uploads, what a file was found to be, results with a last day"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

UTC = app.models.base.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'runs',
        sa.Column('id', sa.String(length=36), nullable=False),
        sa.Column('order_id', sa.String(length=36), nullable=False),
        sa.Column('engine', sa.String(length=20), nullable=False),
        sa.Column('program', sa.String(length=300), nullable=False),
        sa.Column('outcome', sa.String(length=20), nullable=True),
        sa.Column('cause', sa.String(length=500), nullable=True),
        sa.Column('exit_code', sa.Integer(), nullable=True),
        sa.Column('peak_memory', sa.BigInteger(), nullable=True),
        sa.Column('log', sa.Text(), nullable=True),
        sa.Column('task', sa.String(length=300), nullable=True),
        sa.Column('task_state', sa.String(length=30), nullable=True),
        sa.Column('started_at', UTC, nullable=False),
        sa.Column('ended_at', UTC, nullable=True),
        sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_runs_order_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_runs')),
    )
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index('ix_runs_order_id_started_at', ['order_id', 'started_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_runs_task'), ['task'], unique=False)
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.add_column(sa.Column('upload_id', sa.String(length=1024), nullable=True))
        batch_op.add_column(sa.Column('scan', sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column('cancel_asked_at', UTC, nullable=True))
        batch_op.add_column(sa.Column('kept_until', UTC, nullable=True))
        batch_op.create_index('ix_orders_kept_until', ['kept_until'], unique=False)
    # Files that have come until now were let through without a look.
    op.execute("UPDATE orders SET scan = 'unscanned' WHERE state NOT IN ('waiting', 'abandoned')")


def downgrade() -> None:
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_index('ix_orders_kept_until')
        for name in ('kept_until', 'cancel_asked_at', 'scan', 'upload_id'):
            batch_op.drop_column(name)
    op.drop_table('runs')
