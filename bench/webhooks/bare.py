"""(a) A Flask view that answers 200 and does nothing."""

from flask import Flask

app = Flask(__name__)


@app.post("/webhooks/stripe")
def take() -> str:
    """Answer."""
    return "ok\n"
