"""What the control pages say: key -> (Japanese, English)."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "c_title": ("Stripe の代役の操作盤", "Control page of the Stripe stand-in"),
    "c_intro": ("お店から見えないところで起きることを、ここで起こします。",
                "Make happen what happens outside the shop's sight."),
    "c_none": ("まだ Checkout Session はありません。", "No Checkout Session yet."),
    "c_webhooks": ("Webhook の配信", "Webhook deliveries"),
    "c_running": ("配信しています。", "Deliveries run."),
    "c_paused": ("止めています。イベントは再開まで待ちます。", "Deliveries are held back until you resume."),
    "c_pause": ("配信を止める", "Pause deliveries"),
    "c_resume": ("配信を再開する", "Resume deliveries"),
    "c_pay_at_till": ("お客様がレジで支払う", "Customer pays at the till"),
    "c_expire_voucher": ("お支払い票を期限切れにする", "Let the voucher expire"),
    "c_expire": ("Session を期限切れにする", "Expire the session"),
    "c_redeliver": ("もう一度送る", "Redeliver"),
    "c_events": ("イベント({n}件)", "Events ({n})"),
    "c_refund": ("返金", "Refund"),
    "c_open_page": ("お支払いページ", "Payment page"),
    "c_to_pending": ("口座を受け付ける", "Account given"),
    "c_to_requires_action": ("口座の誤りで差し戻す", "Account was wrong"),
    "c_to_succeeded": ("返金を完了する", "Refund succeeds"),
    "c_to_failed": ("返金を失敗させる", "Refund fails"),
    "c_no_delivery": ("配信先なし", "no endpoint"),
    "c_reference": ("参照番号", "Reference"),
    "c_created": ("作成", "Created"),
}  # fmt: skip
