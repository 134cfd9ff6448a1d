"""The orders of the person who is logged in."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.history.service import history_of
from app.history.words import BADGES, SENTENCES
from app.login.people import login_required_here
from app.portal import portal
from app.web.texts import locale

blueprint = Blueprint("history", __name__)

PAGE = 50


@blueprint.get("/history")
@login_required_here
def index() -> ResponseReturnValue:
    """Show the orders of this address, newest first; somebody who is not logged in is asked to."""
    history = history_of(current_user.email)
    last = max(1, -(-len(history.rows) // PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), last)
    return render_template(
        "history/index.html",
        history=history,
        rows=history.rows[(page - 1) * PAGE : page * PAGE],
        sentences=SENTENCES,
        badges=BADGES,
        products={product.key: product.name(locale()) for product in portal.catalog.products},
        methods=portal.catalog.method_names(locale()),
        newer=url_for("history.index", page=page - 1) if page > 1 else "",
        older=url_for("history.index", page=page + 1) if page < last else "",
    )
