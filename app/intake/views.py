"""The home page and the way in: order, sign, confirm."""

from typing import TypeVar

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from pydantic import BaseModel, ValidationError

from app.catalog import Product
from app.errors import BadInputError, ConflictError, NotFoundError
from app.intake.forms import read_order
from app.intake.grants import ConfirmRequest, ResumeRequest, SignRequest, grant, sign_one, upload_form_for
from app.intake.service import bind_checksum, confirm_upload, create_order, declare_checksum, resume_upload
from app.intake.shelf import facts
from app.kit.ids import new_secret
from app.login.people import person
from app.models import Order
from app.orders.access import order_for_viewer
from app.portal import portal
from app.web.cookies import CLAIM_LIFE_S, read_cookie, set_cookie
from app.web.error_texts import TEXTS
from app.web.errors import wants_json

blueprint = Blueprint("intake", __name__)
Asked = TypeVar("Asked", bound=BaseModel)
blueprint.add_app_template_global(upload_form_for)


@blueprint.get("/")
def index() -> str:
    """Show what is sold, or the order form of one product."""
    key = request.args.get("product")
    if key is None:
        return render_template("intake/index.html", shelf=[(p, facts(p)) for p in portal.catalog.products])
    product = portal.catalog.product(key)
    if product is None:
        raise NotFoundError("unknown_product")
    return _order_page(product)


@blueprint.post("/orders")
def create() -> Response:
    """Make an order: 201 with the upload grant for JavaScript, else 303 to the order's page."""
    try:
        asked = read_order(request.form, portal.catalog, with_file=wants_json())
    except BadInputError as error:
        product = portal.catalog.product(request.form.get("product", ""))
        if wants_json() or product is None:
            raise
        return make_response(_order_page(product, error), error.status)
    claim = _claim()
    who = person()
    order = create_order(asked, claim, proved=who is not None and who.email == asked.email)
    made = jsonify(order_id=order.id, upload=grant(order))
    response = make_response(made, 201) if wants_json() else _to_order(order)
    set_cookie(response, "claim", claim, max_age=CLAIM_LIFE_S)
    return response


@blueprint.post("/orders/<order_id>/sign")
def sign(order_id: str) -> Response:
    """Sign one request to the object store for the browser that ordered (AC-U02; docs/upload.md)."""
    order = _order(order_id)
    if order.state != "waiting":
        raise ConflictError
    asked = _read(SignRequest)
    signed = sign_one(order, asked)
    if asked.part is None and asked.sha256 is not None:
        declare_checksum(order, asked.sha256)
    return jsonify(signed)


@blueprint.post("/orders/<order_id>/upload")
def resume(order_id: str) -> Response:
    """Tell the browser that comes back with the same file what has arrived, so that it sends the rest."""
    asked = _read(ResumeRequest)
    order, parts = resume_upload(_order(order_id), asked.filename, asked.size)
    return jsonify(order_id=order.id, upload=grant(order, parts))


@blueprint.post("/orders/<order_id>/uploaded")
def uploaded(order_id: str) -> Response:
    """Confirm that the file was sent; may be repeated. Without JavaScript the body is a plain form."""
    order = _order(order_id)
    sha256 = _read(ConfirmRequest).sha256 if request.is_json else None
    if sha256 is not None:
        bind_checksum(order, sha256)
    confirm_upload(order.id)
    if wants_json():
        return jsonify(order_url=url_for("orders.show", order_id=order.id))
    return _to_order(order)


def _read(model: type[Asked]) -> Asked:
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError:
        raise BadInputError from None


def _claim() -> str:
    claim = read_cookie("claim") or ""
    return claim if len(claim) == len(new_secret()) else new_secret()


def _order(order_id: str) -> Order:
    with portal.database.transaction() as session:
        return order_for_viewer(session, order_id)


def _to_order(order: Order) -> Response:
    return make_response(redirect(url_for("orders.show", order_id=order.id), 303))


def _order_page(product: Product, error: BadInputError | None = None) -> str:
    what = TEXTS.get(error.code, TEXTS["bad_input"])[1] if error else ""
    return render_template(
        "intake/order.html",
        product=product,
        facts=facts(product),
        email=request.form.get("email", ""),
        errors={error.field: what} if error else {},
    )
