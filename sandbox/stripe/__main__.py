"""`python -m sandbox.stripe`: the Stripe stand-in alone."""

from sandbox import config
from sandbox.serve import serve

if __name__ == "__main__":
    serve("sandbox.stripe.web:create_app", config.load().stripe_port)
