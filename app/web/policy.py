"""The one policy for response headers, as data (AC-H01 to H03); `app.web.outermost` puts it on every answer."""

from urllib.parse import parse_qs

from app.settings import Settings

REPORTS = "/csp-reports"
FIXED = {
    # Without one of its own the web server would put its name here.
    "Server": "portal",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
HSTS = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload"}
# Of what is not said to be public; a page differs by cookie and by language.
PRIVATE = {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"}


def content_security_policy(settings: Settings, nonce: str) -> dict[str, str]:
    """Return the policy by directive; `nonce` is the response's own (128 random bits).

    `form-action` names Stripe because browsers apply it to the redirect after the payment form
    (https://github.com/w3c/webappsec-csp/issues/8), and the object store because the upload form works without
    JavaScript.
    """
    store, stripe_page = settings.object_store_origin, settings.stripe_page_origin
    return {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}' 'strict-dynamic'",
        "style-src": "'self'",
        "img-src": f"'self' data: {store}",
        "font-src": "'self'",
        "connect-src": f"'self' {store}",
        "frame-src": f"'self' {store}",  # a report (app.delivery.views.report), by way of its download's address
        "form-action": f"'self' {stripe_page} {store}",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "report-uri": REPORTS,  # for browsers that do not know report-to
        "report-to": "csp",
    }


def headers_for(settings: Settings, nonce: str, path: str, query: str) -> dict[str, str]:
    """Return the headers of every answer to this path and query string, whatever the answer is."""
    policy = content_security_policy(settings, nonce)
    # Tokens stand in the addresses of login and pay links: nothing of them may travel on (AC-L11).
    secret_address = path.startswith("/login/") or "t" in parse_qs(query, keep_blank_values=True)
    return {
        **FIXED,
        **(HSTS if settings.secure else {}),
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Reporting-Endpoints": f'csp="{settings.public_url}{REPORTS}"',
        "Referrer-Policy": "no-referrer" if secret_address else "strict-origin-when-cross-origin",
    }
