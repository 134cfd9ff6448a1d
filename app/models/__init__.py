"""Tables, one file a noun."""

from app.models.audit import AuditEntry
from app.models.base import Base
from app.models.desk import Attention, CustomerView, Note, SavedView
from app.models.fee import BalanceTransaction
from app.models.limits import RateCount
from app.models.login import AddressChange, FormerAddress, LoginDevice, LoginRequest, LoginSession
from app.models.mail import Mail
from app.models.order import Order
from app.models.payment import Payment
from app.models.privacy import Erasure
from app.models.refund import Refund, RefundRequest
from app.models.run import Run
from app.models.search import OrderWords
from app.models.staff import RecoveryCode, StaffMember
from app.models.staff_log import StaffLogEntry
from app.models.stripe import StripeEvent, StripeHistory
from app.models.upkeep import Finding, Mark
from app.models.worker import WorkerHeartbeat

__all__ = [
    "AddressChange",
    "Attention",
    "AuditEntry",
    "BalanceTransaction",
    "Base",
    "CustomerView",
    "Erasure",
    "Finding",
    "FormerAddress",
    "LoginDevice",
    "LoginRequest",
    "LoginSession",
    "Mail",
    "Mark",
    "Note",
    "Order",
    "OrderWords",
    "Payment",
    "RateCount",
    "RecoveryCode",
    "Refund",
    "RefundRequest",
    "Run",
    "SavedView",
    "StaffLogEntry",
    "StaffMember",
    "StripeEvent",
    "StripeHistory",
    "WorkerHeartbeat",
]
