"""`python -m sandbox.stripe`: the Stripe stand-in alone."""

from sandbox import config
from sandbox.serve import serve
from sandbox.stripe.web import create_app

if __name__ == "__main__":
    serve(create_app, config.load().stripe_port)
