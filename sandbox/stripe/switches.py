"""Switches: what is not known of Stripe, or differs between accounts, and can be played both ways.

Each has a default (what we believe of Stripe), a kind, and texts for the control page. A switch that is not in
this table does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.errors import InvalidRequestError
from sandbox.stripe.store import Json, Tx


@dataclass(frozen=True)
class Switch:
    """One switch: `kind` is bool, int, float, str, or list (of numbers); `choices` bounds a str."""

    kind: type
    default: Any
    ja: str
    en: str
    choices: tuple[str, ...] = ()

    def read(self, value: object) -> Any:  # noqa: ANN401  (JSON values)
        """Give the value in its kind, from JSON or from a form's text. Raises ValueError."""
        if self.kind is bool:
            return _flag(value)
        if self.kind is list:
            return _numbers(value)
        if isinstance(value, bool | list | dict) or value is None:
            raise ValueError(value)
        found = self.kind(value)
        if (self.choices and found not in self.choices) or (self.kind in (int, float) and found < 0):
            raise ValueError(value)
        return found


def _flag(value: object) -> bool:
    if value in (True, False):
        return bool(value)
    return {"true": True, "false": False}[str(value)]


def _numbers(value: object) -> list[float]:
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError(value)  # noqa: TRY004  (one error for all kinds)
    numbers = [float(item) for item in items]
    if any(number < 0 for number in numbers):
        raise ValueError(value)
    return numbers


SWITCHES: dict[str, Switch] = {
    "webhooks_paused": Switch(bool, False, "Webhook の配信を止める", "Hold webhook deliveries back"),
    "webhook_backoff_seconds": Switch(
        list,
        # Ten tries in three days: "up to three days with an exponential back off" (https://docs.stripe.com/webhooks);
        # the steps are not known.
        [5, 60, 300, 1800, 7200, 18000, 36000, 57600, 138000],
        "Webhook 再送の間隔(秒)",
        "Seconds between webhook retries",
    ),
    # How long a printed slip can still be paid after the deadline: the buffer exists, its length is not known.
    "late_payment_seconds": Switch(
        int, 3600, "期限後もレジで払える時間(秒)", "Seconds that a printed slip can be paid after its deadline"
    ),
    "ordinary_voucher": Switch(
        str,
        "waits",
        "ふつうの宛先のお支払い票",
        "What happens to an ordinary voucher",
        ("waits", "pays_after_3_minutes"),
    ),
    "customer_email_editable": Switch(
        bool, True, "customer_email をお客様が書き換えられる", "The payer may change customer_email"
    ),
    "konbini_name_required": Switch(bool, True, "コンビニ払いでお名前が必須", "Konbini asks for a name"),
    "wallet_email": Switch(
        str, "", "ウォレットが持ってくるメールアドレス(空なら無し)", "Address that wallets bring (empty: none)"
    ),
    "voucher_session_status": Switch(
        str,
        "complete",
        "支払い待ちの Session の status",
        "Session status while a voucher is out",
        ("complete", "open"),
    ),
    "email_case_sensitive": Switch(
        bool, True, "一覧のメールアドレスは大文字と小文字を区別する", "Lists match e-mail case-sensitively"
    ),
    "open_sessions_listed": Switch(
        bool, False, "未完了の Session も customer_email で一覧に出る", "The e-mail filter finds open sessions too"
    ),
    "list_delay_seconds": Switch(
        int, 0, "完了した Session が一覧に出るまでの秒数", "Seconds that a just completed session stays out of lists"
    ),
    "list_keeps_days": Switch(
        int, 0, "Session が一覧に残る日数(0 は無期限)", "Days that lists keep a session (0: for ever)"
    ),
    "voucher_cancellable": Switch(
        bool, False, "支払い待ちのコンビニ払いを API で取り消せる", "A pending voucher can be cancelled by API"
    ),
    "card_capability": Switch(
        str, "active", "カードの利用可否", "State of the card capability", ("active", "pending", "inactive")
    ),
    "konbini_capability": Switch(
        str, "active", "コンビニ払いの利用可否", "State of the konbini capability", ("active", "pending", "inactive")
    ),
    # A third party reports 250 yen and tax; Stripe says only that a konbini refund "may incur a fee".
    "konbini_refund_fee_yen": Switch(int, 0, "コンビニ払いの返金手数料(円)", "Fee of a konbini refund in yen"),
    "dispute_fee_yen": Switch(
        int, 1500, "チャージバックの手数料(円)", "Fee of a chargeback in yen"
    ),
    "dispute_fee_returned": Switch(
        bool, False, "チャージバックに勝つと手数料も戻る", "Winning a chargeback returns its fee too"
    ),
    "rate_limits": Switch(bool, True, "呼び出し回数を制限する", "Limit the rate of calls"),
    "rate_limit_total": Switch(int, 100, "1秒あたりの呼び出し数", "Calls a second, in all"),
    "rate_limit_endpoint": Switch(int, 25, "1秒あたりの呼び出し数(種類ごと)", "Calls a second to each endpoint"),
}  # fmt: skip


def get(tx: Tx, name: str) -> Any:  # noqa: ANN401  (JSON values)
    """Give the value of a switch."""
    return tx.setting(name, SWITCHES[name].default)


def change(tx: Tx, data: Mapping[str, Any]) -> Json:
    """Set what is given and give all. Raises InvalidRequestError for an unknown switch or a wrong value."""
    for name, value in data.items():
        try:
            tx.set(name, SWITCHES[name].read(value))
        except (KeyError, TypeError, ValueError):
            raise InvalidRequestError(f"Unknown switch or wrong value: {name}", param=name) from None
    return {name: get(tx, name) for name in SWITCHES}
