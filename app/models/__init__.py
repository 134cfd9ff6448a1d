"""Tables, one file a noun."""

from app.models.audit import AuditEntry
from app.models.base import Base
from app.models.login import LoginRequest, LoginSession
from app.models.mail import Mail
from app.models.order import Order
from app.models.payment import Payment
from app.models.refund import Refund
from app.models.staff import StaffMember
from app.models.stripe import StripeEvent, StripeHistory
from app.models.upkeep import Finding, Mark
from app.models.worker import WorkerHeartbeat

__all__ = [
    "AuditEntry",
    "Base",
    "Finding",
    "LoginRequest",
    "LoginSession",
    "Mail",
    "Mark",
    "Order",
    "Payment",
    "Refund",
    "StaffMember",
    "StripeEvent",
    "StripeHistory",
    "WorkerHeartbeat",
]
