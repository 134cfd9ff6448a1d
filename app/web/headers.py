"""The one policy for response headers (AC-H01..H03): written on every answer, errors included."""

import secrets

from flask import Flask, Response, g, request

from app.settings import Settings

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


def csp_nonce() -> str:
    """Return this response's nonce for script tags: 128 random bits."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def policy(settings: Settings) -> str:
    """Return the content security policy of the current response.

    `form-action` names Stripe because browsers apply it to the redirect after the payment form, and the object
    store because the upload form works without JavaScript.
    """
    store, stripe_page = settings.object_store_origin, settings.stripe_page_origin
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{csp_nonce()}' 'strict-dynamic'",
            "style-src 'self'",
            f"img-src 'self' data: {store}",
            "font-src 'self'",
            f"connect-src 'self' {store}",
            "worker-src 'self'",
            f"form-action 'self' {stripe_page} {store}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def init_headers(app: Flask, settings: Settings) -> None:
    """Put the headers on every response."""
    app.jinja_env.globals.update(csp_nonce=csp_nonce)

    @app.after_request
    def strict(response: Response) -> Response:
        for name, value in _FIXED.items():
            response.headers.setdefault(name, value)
        response.headers["Content-Security-Policy"] = policy(settings)
        # Tokens stand in the addresses of login and pay links: nothing of them may travel on (AC-L11).
        secret_path = request.path.startswith("/login/") or "t" in request.args
        referrer = "no-referrer" if secret_path else "strict-origin-when-cross-origin"
        response.headers["Referrer-Policy"] = referrer
        if request.endpoint == "static":
            return response
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.update(["Cookie", "Accept-Language"])
        if settings.secure:
            response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains; preload"
        return response
