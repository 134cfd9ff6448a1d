"""What the pages say, in Japanese and English, and how they write money and dates."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, request

from sandbox.stripe import clock

# Each text in Japanese and English.
_TEXTS: dict[str, tuple[str, str]] = {
    "stand_in": ("Stripe の代役です。お金は動きません。", "Stand-in for Stripe: no money moves."),
    "control": ("操作盤", "Control page"),
    "pay_to": ("{shop} へのお支払い", "Pay {shop}"),
    "quantity": ("数量 {n}", "Qty {n}"),
    "email": ("メールアドレス", "E-mail"),
    "method": ("お支払い方法", "Payment method"),
    "card": ("カード", "Card"),
    "konbini": ("コンビニ", "Konbini (convenience store)"),
    "card_number": ("カード番号", "Card number"),
    "card_hint": ("試験用: 4242 4242 4242 4242、拒否される例: 4000 0000 0000 0002",
                  "For tests: 4242 4242 4242 4242; declined: 4000 0000 0000 0002"),
    "card_expiry": ("有効期限(月/年)", "Expiry (MM/YY)"),
    "card_cvc": ("セキュリティコード", "Security code"),
    "card_name": ("カード名義", "Name on card"),
    "konbini_name": ("お名前", "Name"),
    "phone": ("電話番号(任意)", "Phone number (optional)"),
    "phone_hint": ("店頭の端末で入力する確認番号になります。空欄なら番号をお作りします。",
                   "It becomes the confirmation number at the store. Left empty, one is made for you."),
    "konbini_hint": ("ファミリーマート、ローソン、ミニストップ、セイコーマートで現金でお支払いいただけます。",
                     "Pay in cash at FamilyMart, Lawson, Ministop or Seicomart."),
    "submit": ("支払う", "Pay"),
    "back": ("{shop} に戻る", "Back to {shop}"),
    "fix": ("入力内容をご確認ください。", "Please check what you entered."),
    "bad_email": ("メールアドレスの形が正しくありません。", "This is not an e-mail address."),
    "bad_method": ("お支払い方法を選んでください。", "Choose a payment method."),
    "bad_card_number": ("カード番号が正しくありません。", "Your card number is invalid."),
    "bad_card_expiry": ("有効期限が正しくないか、過ぎています。", "The expiry date is wrong or past."),
    "bad_card_cvc": ("セキュリティコードは3桁か4桁の数字です。", "The security code is 3 or 4 digits."),
    "bad_card_name": ("カード名義を入力してください。", "Enter the name on the card."),
    "bad_konbini_name": ("お名前を入力してください。", "Enter your name."),
    "bad_phone": ("電話番号は10桁か11桁の数字です。この番号は使えません。",
                  "A phone number has 10 or 11 digits. This one cannot be used."),
    "generic_decline": ("カードが拒否されました。別のカードでお試しください。",
                        "Your card was declined. Try another card."),
    "insufficient_funds": ("残高が足りません。別のカードでお試しください。",
                           "Your card has insufficient funds. Try another card."),
    "expired_card": ("カードの有効期限が切れています。", "Your card has expired."),
    "incorrect_cvc": ("セキュリティコードが違います。", "Your card's security code is incorrect."),
    "closed_paid": ("お支払いは完了しています", "This payment is complete"),
    "closed_unpaid": ("お支払い票を発行済みです", "A voucher has been issued"),
    "closed_expired": ("このお支払いページは期限が切れました", "This payment page has expired"),
    "closed_expired_text": ("お店のページに戻って、もう一度お手続きください。お金は動いていません。",
                            "Go back to the shop and start again. Nothing was charged."),
    "show_voucher": ("お支払い票を見る", "Show the voucher"),
    "voucher": ("コンビニお支払い票", "Konbini voucher"),
    "voucher_paid": ("お支払いを受け付けました", "Payment received"),
    "voucher_paid_text": ("コンビニでのお支払いを確認しました。", "Your payment at the store has arrived."),
    "voucher_over": ("このお支払い票は使えません", "This voucher can no longer be paid"),
    "voucher_over_text": ("期限を過ぎたため、お支払いいただけません。お店のページに戻ってください。",
                          "Its deadline has passed. Please go back to the shop."),
    "amount": ("金額", "Amount"),
    "deadline": ("お支払い期限", "Pay by"),
    "store_steps": ("店内の端末またはレジで、次の番号をお伝えください。",
                    "Use these numbers at the store's kiosk or till."),
    "payment_code": ("払込票番号", "Payment code"),
    "confirmation_number": ("確認番号", "Confirmation number"),
    "receipt": ("{shop} の領収書", "Receipt from {shop}"),
    "paid_on": ("支払日", "Paid on"),
    "refunded": ("返金額", "Refunded"),
    "receipt_number": ("番号", "Number"),
    "missing": ("このページは見つかりません", "There is no such page"),
    "missing_text": ("リンクが正しいかご確認ください。", "Please check the link."),
    "familymart": ("ファミリーマート", "FamilyMart"),
    "lawson": ("ローソン", "Lawson"),
    "ministop": ("ミニストップ", "Ministop"),
    "seicomart": ("セイコーマート", "Seicomart"),
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

_WEEKDAYS_JA = "月火水木金土日"
LANGUAGES = ("ja", "en")


def language(locale: str | None) -> str:
    """Choose ja or en: the session's locale, else what the browser prefers, else ja."""
    if locale and locale != "auto":
        return "ja" if locale == "ja" else "en"
    return request.accept_languages.best_match(LANGUAGES, "ja")


def say(lang: str, key: str, **values: object) -> str:
    """Give a text in a language."""
    return _TEXTS[key][LANGUAGES.index(lang)].format(**values)


def yen(lang: str, amount: int) -> str:
    """Write an amount: 1,500円 or ¥1,500."""
    return f"{amount:,}円" if lang == "ja" else f"¥{amount:,}"


def moment(lang: str, seconds: int) -> str:
    """Write a time in Japan: 2026年11月21日(土) 23:59, or Sat 21 Nov 2026, 23:59 JST."""
    at = datetime.fromtimestamp(seconds, clock.JST)
    if lang == "ja":
        return f"{at.year}年{at.month}月{at.day}日({_WEEKDAYS_JA[at.weekday()]}) {at:%H:%M}"
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M} JST"


def install(app: Flask) -> None:
    """Give the templates their helpers."""
    app.jinja_env.globals |= {"say": say, "yen": yen, "moment": moment, "language": language}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
