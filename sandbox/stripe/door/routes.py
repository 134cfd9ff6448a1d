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
    event,
    payment_intent,
    refund,
    session,
    webhook_endpoint,
)
from sandbox.stripe.store import Json


@dataclass(frozen=True)
class Route:
    """One API call."""

    method: str
    path: str
    params: type
    answer: Callable[..., Json]


_WE = "/v1/webhook_endpoints"

ROUTES = (
    Route("POST", "/v1/checkout/sessions", pc.SessionCreateParams, session.create),
    Route("GET", "/v1/checkout/sessions", pc.SessionListParams, session.list_),
    Route("GET", "/v1/checkout/sessions/<session>", pc.SessionRetrieveParams, session.retrieve),
    Route("POST", "/v1/checkout/sessions/<session>/expire", pc.SessionExpireParams, session.expire),
    Route("GET", "/v1/payment_intents", p.PaymentIntentListParams, payment_intent.list_),
    Route("GET", "/v1/payment_intents/<intent>", p.PaymentIntentRetrieveParams, payment_intent.retrieve),
    Route("POST", "/v1/payment_intents/<intent>/cancel", p.PaymentIntentCancelParams, payment_intent.cancel),
    Route("GET", "/v1/charges", p.ChargeListParams, charge.list_),
    Route("GET", "/v1/charges/<charge>", p.ChargeRetrieveParams, charge.retrieve),
    Route(
        "GET",
        "/v1/balance_transactions/<transaction>",
        p.BalanceTransactionRetrieveParams,
        balance_transaction.retrieve,
    ),
    Route("GET", "/v1/customers", p.CustomerListParams, customer.list_),
    Route("GET", "/v1/customers/<customer>", p.CustomerRetrieveParams, customer.retrieve),
    Route("POST", "/v1/refunds", p.RefundCreateParams, refund.create),
    Route("GET", "/v1/refunds", p.RefundListParams, refund.list_),
    Route("GET", "/v1/refunds/<refund>", p.RefundRetrieveParams, refund.retrieve),
    Route("GET", "/v1/events", p.EventListParams, event.list_),
    Route("GET", "/v1/events/<event>", p.EventRetrieveParams, event.retrieve),
    Route("POST", _WE, p.WebhookEndpointCreateParams, webhook_endpoint.create),
    Route("GET", _WE, p.WebhookEndpointListParams, webhook_endpoint.list_),
    Route("GET", f"{_WE}/<endpoint>", p.WebhookEndpointRetrieveParams, webhook_endpoint.retrieve),
    Route("POST", f"{_WE}/<endpoint>", p.WebhookEndpointUpdateParams, webhook_endpoint.update),
    Route("DELETE", f"{_WE}/<endpoint>", p.WebhookEndpointDeleteParams, webhook_endpoint.delete),
    Route("GET", "/v1/account", p.AccountRetrieveCurrentParams, account.retrieve),
)
