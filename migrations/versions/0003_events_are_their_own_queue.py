"""the table of events is its own queue: when one is due, and which worker has it"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('stripe_events', schema=None) as batch_op:
        batch_op.add_column(sa.Column('due_at', app.models.base.UtcDateTime(timezone=True), server_default='1970-01-01 00:00:00.000000', nullable=False))
        batch_op.add_column(sa.Column('taken_by', sa.String(length=200), nullable=True))
        batch_op.drop_index('ix_stripe_events_state_received_at')
        batch_op.create_index(batch_op.f('ix_stripe_events_received_at'), ['received_at'], unique=False)
        batch_op.create_index('ix_stripe_events_due', ['due_at', 'received_at'], unique=False, sqlite_where=sa.text("state = 'received'"), postgresql_where=sa.text("state = 'received'"))
        batch_op.create_index('ix_stripe_events_dead', ['received_at', 'id'], unique=False, sqlite_where=sa.text("state = 'dead'"), postgresql_where=sa.text("state = 'dead'"))


def downgrade() -> None:
    with op.batch_alter_table('stripe_events', schema=None) as batch_op:
        batch_op.drop_index('ix_stripe_events_dead', sqlite_where=sa.text("state = 'dead'"), postgresql_where=sa.text("state = 'dead'"))
        batch_op.drop_index('ix_stripe_events_due', sqlite_where=sa.text("state = 'received'"), postgresql_where=sa.text("state = 'received'"))
        batch_op.drop_index(batch_op.f('ix_stripe_events_received_at'))
        batch_op.create_index('ix_stripe_events_state_received_at', ['state', 'received_at'], unique=False)
        batch_op.drop_column('taken_by')
        batch_op.drop_column('due_at')
