"""What each error says to the person at the other end: what happened, and what is safe."""

from flask_babel import lazy_gettext

# code -> (title, what happened, what is safe)
TEXTS = {
    "not_found": (
        lazy_gettext("This page can't be found"),
        lazy_gettext("The address may be wrong, or the page belongs to another person or browser."),
        lazy_gettext("If you ordered in another browser, log in with your e-mail address to see your orders."),
    ),
    "login_needed": (
        lazy_gettext("Please log in to go on"),
        lazy_gettext("The e-mail address of this order was confirmed by a login. Log in with it to see the order."),
        lazy_gettext("Your order is safe."),
    ),
    "bad_input": (
        lazy_gettext("Something in the form needs another look"),
        lazy_gettext("We could not take what was sent."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "bad_email": (
        lazy_gettext("The e-mail address can't be used"),
        lazy_gettext("Please write it like name@example.jp, in half-width letters."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "unknown_product": (
        lazy_gettext("This product is not on sale"),
        lazy_gettext("The product that you chose does not exist, or is not sold any more."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "wrong_type": (
        lazy_gettext("This kind of file can't be analysed"),
        lazy_gettext("The file's extension is not one that this product takes."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "too_large": (
        lazy_gettext("The file is too large"),
        lazy_gettext("It is larger than this product takes."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "empty_file": (
        lazy_gettext("The file is empty"),
        lazy_gettext("There is nothing in it to analyse. Please choose another file."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "no_file": (
        lazy_gettext("There is no file yet"),
        lazy_gettext("Please choose the file to analyse."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "not_arrived": (
        lazy_gettext("The file has not arrived"),
        lazy_gettext("The upload was not finished, or is still on its way."),
        lazy_gettext("Your order is kept. Please send the file again."),
    ),
    "another_file": (
        lazy_gettext("This is another file"),
        lazy_gettext("Its name or size is not that of the file that you ordered with. Please choose the same file."),
        lazy_gettext("Your order is kept, and what has arrived of the file."),
    ),
    "damaged": (
        lazy_gettext("The file arrived damaged"),
        lazy_gettext("What arrived is not what your browser sent: size or checksum differ."),
        lazy_gettext("Your order is kept. Please send the file again."),
    ),
    "conflict": (
        lazy_gettext("This can't be done now"),
        lazy_gettext("The order has moved on since this page was shown."),
        lazy_gettext("Nothing was charged by this. The order's page shows where it stands."),
    ),
    "method_not_available": (
        lazy_gettext("This payment method is not available"),
        lazy_gettext("It can't be used for this amount. Please choose another one."),
        lazy_gettext("Nothing was charged."),
    ),
    "not_open": (
        lazy_gettext("The result is not open yet"),
        lazy_gettext("It opens as soon as the payment is confirmed. The order's page shows where it stands."),
        lazy_gettext("Your result is kept safe."),
    ),
    "downloads_closed": (
        lazy_gettext("The downloads are closed for now"),
        lazy_gettext("Something about this order is being looked into. We will write to you."),
        lazy_gettext("Your result is kept safe."),
    ),
    "refunded": (
        lazy_gettext("This order was refunded"),
        lazy_gettext("Its downloads are closed."),
        lazy_gettext("The order's page shows the refund. You can order again at any time."),
    ),
    "expired_link": (
        lazy_gettext("This link can't be used any more"),
        lazy_gettext("It is too old, was used before, or was cut off on its way."),
        lazy_gettext("Nothing is lost. Log in with your e-mail address to get to your orders."),
    ),
    "files_gone": (
        lazy_gettext("The files of this order are deleted"),
        lazy_gettext("They were kept for as long as we keep files, and then deleted for good."),
        lazy_gettext("Your order and its payment are still in your history, with their receipt."),
    ),
    "too_many": (
        lazy_gettext("Too many requests"),
        lazy_gettext("This was asked for many times in a short while. Please wait a little and try again."),
        lazy_gettext("Nothing is lost."),
    ),
    "stripe_down": (
        lazy_gettext("The payment service does not answer"),
        lazy_gettext("Stripe, which handles payments for us, can't be reached at the moment."),
        lazy_gettext("Nothing was charged by this. Your order and your file are safe."),
    ),
    "stripe_refused": (
        lazy_gettext("The payment could not be started"),
        lazy_gettext("The payment service did not accept our request. This is our fault, and we will look into it."),
        lazy_gettext("Nothing was charged. Your order and your file are safe."),
    ),
    "storage_down": (
        lazy_gettext("The file store does not answer"),
        lazy_gettext(
            "The place where files are kept can't be reached at the moment. Please try again in a few minutes."
        ),
        lazy_gettext("Your order is safe, and nothing was charged by this."),
    ),
    "outside": (
        lazy_gettext("A service does not answer"),
        lazy_gettext("Something that we depend on can't be reached at the moment. Please try again in a few minutes."),
        lazy_gettext("Your orders and files are safe."),
    ),
    "form_expired": (
        lazy_gettext("This page was open for too long"),
        lazy_gettext(
            "For your safety a form can only be sent for a while after it was opened. "
            "Please go back, reload the page and send it again."
        ),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "bad_request": (
        lazy_gettext("The request could not be understood"),
        lazy_gettext("Something in the address or the form is not as it should be."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "forbidden": (
        lazy_gettext("You may not open this page"),
        lazy_gettext("Your account does not have the right to see it."),
        lazy_gettext("Nothing was changed."),
    ),
    "only_looking": (
        lazy_gettext("You are only looking"),
        lazy_gettext("While you see the portal as a customer, nothing can be changed, paid or downloaded."),
        lazy_gettext("Nothing was changed. The button above leads back to the back office."),
    ),
    "foreign_site": (
        lazy_gettext("This request came from another site"),
        lazy_gettext("Your browser says that the form was not one of ours. Please start again from our own page."),
        lazy_gettext("Nothing was saved, sent or charged."),
    ),
    "too_many_vouchers": (
        lazy_gettext("Three convenience store payments are waiting already"),
        lazy_gettext(
            "No more than three can wait at a time. Pay one of them or let it expire, or choose another way to pay."
        ),
        lazy_gettext("Your order and its result are kept, and nothing was charged."),
    ),
    "wrong_method": (
        lazy_gettext("This address can't be opened this way"),
        lazy_gettext("Please start again from the page with the button."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "too_much": (
        lazy_gettext("Too much was sent at once"),
        lazy_gettext("The form is larger than it can be. Files go to the file store, not into the form."),
        lazy_gettext("Nothing was saved and nothing was charged."),
    ),
    "unexpected": (
        lazy_gettext("Something went wrong on our side"),
        lazy_gettext("We have been told and will look into it. Please try again in a few minutes."),
        lazy_gettext("Your orders, files and payments are safe."),
    ),
}
