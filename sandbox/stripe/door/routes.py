"""Every API call that the stand-in knows: method, path, the SDK's parameter type, who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stripe import params as p
from stripe.params import checkout as pc

from sandbox.stripe.objects import (
    account,
    balance_transaction,
    charge,
    customer,
    dispute,
    event,
    payment_intent,
    payment_method,
    refund,
    session,
    webhook_endpoint,
)
from sandbox.stripe.store import Json


@dataclass(frozen=True)
class Route:
    """One API call. `resource` is what a restricted key needs a permission for (see keys.RESOURCES)."""

    method: str
    path: str
    resource: str
    params: type
    answer: Callable[..., Json]


_CS = "/v1/checkout/sessions"
_PI = "/v1/payment_intents"
_BT = "/v1/balance_transactions"
_WE = "/v1/webhook_endpoints"

ROUTES = (
    Route("POST", _CS, "checkout_sessions", pc.SessionCreateParams, session.create),
    Route("GET", _CS, "checkout_sessions", pc.SessionListParams, session.list_),
    Route("GET", f"{_CS}/<session>", "checkout_sessions", pc.SessionRetrieveParams, session.retrieve),
    Route("POST", f"{_CS}/<session>/expire", "checkout_sessions", pc.SessionExpireParams, session.expire),
    Route("GET", f"{_CS}/<session>/line_items", "checkout_sessions", pc.SessionListLineItemsParams, session.list_items),
    Route("GET", _PI, "payment_intents", p.PaymentIntentListParams, payment_intent.list_),
    Route("GET", f"{_PI}/<intent>", "payment_intents", p.PaymentIntentRetrieveParams, payment_intent.retrieve),
    Route("POST", f"{_PI}/<intent>/cancel", "payment_intents", p.PaymentIntentCancelParams, payment_intent.cancel),
    Route("GET", "/v1/charges", "charges", p.ChargeListParams, charge.list_),
    Route("GET", "/v1/charges/<charge>", "charges", p.ChargeRetrieveParams, charge.retrieve),
    Route("GET", _BT, "balance_transaction_sources", p.BalanceTransactionListParams, balance_transaction.list_),
    Route(
        "GET",
        f"{_BT}/<transaction>",
        "balance_transaction_sources",
        p.BalanceTransactionRetrieveParams,
        balance_transaction.retrieve,
    ),
    Route("GET", "/v1/customers", "customers", p.CustomerListParams, customer.list_),
    Route("GET", "/v1/customers/<customer>", "customers", p.CustomerRetrieveParams, customer.retrieve),
    Route(
        "GET",
        "/v1/payment_methods/<payment_method>",
        "payment_methods",
        p.PaymentMethodRetrieveParams,
        payment_method.retrieve,
    ),
    Route("POST", "/v1/refunds", "charges", p.RefundCreateParams, refund.create),
    Route("GET", "/v1/refunds", "charges", p.RefundListParams, refund.list_),
    Route("GET", "/v1/refunds/<refund>", "charges", p.RefundRetrieveParams, refund.retrieve),
    Route("POST", "/v1/refunds/<refund>", "charges", p.RefundUpdateParams, refund.update),
    Route("POST", "/v1/refunds/<refund>/cancel", "charges", p.RefundCancelParams, refund.cancel),
    Route("GET", "/v1/disputes", "disputes", p.DisputeListParams, dispute.list_),
    Route("GET", "/v1/disputes/<dispute>", "disputes", p.DisputeRetrieveParams, dispute.retrieve),
    Route("POST", "/v1/disputes/<dispute>", "disputes", p.DisputeUpdateParams, dispute.update),
    Route("POST", "/v1/disputes/<dispute>/close", "disputes", p.DisputeCloseParams, dispute.close),
    Route("GET", "/v1/events", "events", p.EventListParams, event.list_),
    Route("GET", "/v1/events/<event>", "events", p.EventRetrieveParams, event.retrieve),
    Route("POST", _WE, "webhook_endpoints", p.WebhookEndpointCreateParams, webhook_endpoint.create),
    Route("GET", _WE, "webhook_endpoints", p.WebhookEndpointListParams, webhook_endpoint.list_),
    Route("GET", f"{_WE}/<endpoint>", "webhook_endpoints", p.WebhookEndpointRetrieveParams, webhook_endpoint.retrieve),
    Route("POST", f"{_WE}/<endpoint>", "webhook_endpoints", p.WebhookEndpointUpdateParams, webhook_endpoint.update),
    Route("DELETE", f"{_WE}/<endpoint>", "webhook_endpoints", p.WebhookEndpointDeleteParams, webhook_endpoint.delete),
    Route("GET", "/v1/account", "account", p.AccountRetrieveCurrentParams, account.retrieve),
)
