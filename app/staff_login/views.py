"""The way into the back office: the second factor after the mailed link."""

from flask import Blueprint

blueprint = Blueprint("staff_login", __name__, url_prefix="/staff/login")
