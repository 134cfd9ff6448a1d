"""second factor, changed addresses, privacy"""

import sqlalchemy as sa
from alembic import op

import app.models.base

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('erasures',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('email_digest', sa.String(length=64), nullable=False),
    sa.Column('pseudonym', sa.String(length=254), nullable=False),
    sa.Column('stripe_customers', sa.JSON(), nullable=False),
    sa.Column('asked_at', app.models.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('done_at', app.models.base.UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasures'))
    )
    with op.batch_alter_table('erasures', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_erasures_email_digest'), ['email_digest'], unique=False)

    op.create_table('former_addresses',
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('former', sa.String(length=254), nullable=False),
    sa.Column('since', app.models.base.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('email', 'former', name=op.f('pk_former_addresses'))
    )
    op.create_table('login_devices',
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('device_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', app.models.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('seen_at', app.models.base.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('email', 'device_hash', name=op.f('pk_login_devices'))
    )
    op.create_table('address_changes',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('session_id', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('new_email', sa.String(length=254), nullable=False),
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', app.models.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', app.models.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('consumed_at', app.models.base.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['session_id'], ['login_sessions.id'], name=op.f('fk_address_changes_session_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_address_changes'))
    )
    with op.batch_alter_table('address_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_address_changes_email'), ['email'], unique=False)
        batch_op.create_index(batch_op.f('ix_address_changes_session_id'), ['session_id'], unique=False)

    op.create_table('recovery_codes',
    sa.Column('code_hash', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('used_at', app.models.base.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['email'], ['staff.email'], name=op.f('fk_recovery_codes_email'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_recovery_codes'))
    )
    with op.batch_alter_table('recovery_codes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recovery_codes_email'), ['email'], unique=False)

    with op.batch_alter_table('login_sessions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('proved_at', app.models.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('second_factor_at', app.models.base.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.add_column(sa.Column('proved_at', app.models.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('input_gone_at', app.models.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('result_gone_at', app.models.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('erased_at', app.models.base.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.add_column(sa.Column('totp_secret', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('totp_step', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('wrong_codes', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('wrong_since', app.models.base.UtcDateTime(timezone=True), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('staff', schema=None) as batch_op:
        batch_op.drop_column('wrong_since')
        batch_op.drop_column('wrong_codes')
        batch_op.drop_column('totp_step')
        batch_op.drop_column('totp_secret')

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_column('erased_at')
        batch_op.drop_column('result_gone_at')
        batch_op.drop_column('input_gone_at')
        batch_op.drop_column('proved_at')

    with op.batch_alter_table('login_sessions', schema=None) as batch_op:
        batch_op.drop_column('second_factor_at')
        batch_op.drop_column('proved_at')

    with op.batch_alter_table('recovery_codes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_recovery_codes_email'))

    op.drop_table('recovery_codes')
    with op.batch_alter_table('address_changes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_address_changes_session_id'))
        batch_op.drop_index(batch_op.f('ix_address_changes_email'))

    op.drop_table('address_changes')
    op.drop_table('login_devices')
    op.drop_table('former_addresses')
    with op.batch_alter_table('erasures', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_erasures_email_digest'))

    op.drop_table('erasures')
