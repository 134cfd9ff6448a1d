"""What a person may ask about their own data: a copy of it, or its end."""

from flask import Blueprint

blueprint = Blueprint("privacy", __name__, url_prefix="/account")
