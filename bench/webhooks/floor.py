"""(b) The floor: signature check, one INSERT ... ON CONFLICT DO NOTHING, commit, and nothing else."""

import json
import os

import stripe
from flask import Flask, request
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine(os.environ["FLOOR_DATABASE_URL"], pool_size=16)
SECRET = os.environ["FLOOR_SECRET"]
INSERT = text("INSERT INTO floor (id, body) VALUES (:id, :body) ON CONFLICT DO NOTHING")


@app.post("/webhooks/stripe")
def take() -> str:
    """Verify, store, answer."""
    body = request.get_data(cache=False)
    stripe.WebhookSignature.verify_header(body.decode(), request.headers["Stripe-Signature"], SECRET, 300)
    with engine.begin() as connection:
        connection.execute(INSERT, {"id": json.loads(body)["id"], "body": body.decode()})
    return "ok\n"
