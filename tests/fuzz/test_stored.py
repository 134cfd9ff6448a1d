"""What is kept of outsiders' texts and looked for with them, on both databases."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.errors import BadInputError, PortalError
from app.portal import Portal
from app.staff.events import events_page
from app.staff.listing.asked import LONGEST_SEARCH, Asked
from app.staff.listing.pages import page_of
from app.staff.listing.sorts import SORTS
from app.webhooks.service import SUBJECTS, handle
from tests.fuzz.strategies import as_json, fuzz, plain_json, word
from tests.webhooks.deliveries import deliver, make_event, sign, stored

cursor = word | st.builds(
    lambda day, time, tail: f"{day:08}T{time:06}.000000_{tail}", st.integers(0, 99991231), st.integers(0, 240000), word
)
piece = word | st.builds(
    lambda kind, rest: kind + rest,
    st.sampled_from(["cs_", "pi_", "cus_", "re_", "evt_", "@", "売上 ", '"', "%_"]),
    word,
)


@fuzz(100)
@given(piece)
def test_ac_s07_h14_any_search_text_finds_or_finds_nothing(portal: Portal, text: str) -> None:
    """The search of the back office is conditions with bound parameters, whatever is typed."""
    with portal.database.transaction() as session:
        page_of(session, Asked(q=text[:LONGEST_SEARCH].strip()))


@fuzz(100)
@given(cursor, cursor)
def test_ac_s07_any_cursor_is_a_place_or_refused(portal: Portal, after: str, before: str) -> None:
    """A page, or BadInputError, and nothing else."""
    readers: list[Callable[[Session], object]] = [
        partial(page_of, asked=Asked(after=after)),
        partial(page_of, asked=Asked(before=before)),
        *(partial(page_of, asked=Asked(after=after, sort=sort)) for sort in SORTS),
        lambda session: events_page(session, "", after),
    ]
    for read in readers:
        with portal.database.transaction() as session:
            try:
                read(session)
            except BadInputError:
                continue


odd = plain_json | word
event = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(SUBJECTS)) | odd, "data": st.fixed_dictionaries({"object": odd}) | odd},
    optional={"livemode": odd, "account": odd, "api_version": odd, "created": odd, "id": odd, "object": odd},
)
subject = st.fixed_dictionaries({"id": odd}, optional={"payment_intent": odd})


@fuzz(120)
@given(event)
def test_ac_w14_any_signed_event_is_taken_or_refused(
    portal: Portal, client: FlaskClient, parts: dict[str, Any]
) -> None:
    """An event of any shape with a good signature: 200 or 400, never an error of ours."""
    _send(client, make_event(**{"type_": "x", **parts}))


@fuzz(60)
@given(st.sampled_from(sorted(SUBJECTS)), subject)
def test_ac_w14_any_taken_event_is_handled_or_named(
    portal: Portal, client: FlaskClient, kind: str, about: dict[str, Any]
) -> None:
    """Its subject is anything: Stripe is asked, and the event is set aside or fails with an error that has a name."""
    sent = make_event(kind, data={"object": about})
    if _send(client, sent) == 200 and stored(portal, sent["id"]) is not None:
        try:
            handle(sent["id"])
        except PortalError:
            return


def _send(client: FlaskClient, sent: dict[str, Any]) -> int:
    try:
        body = as_json(sent)
        signature = sign(body)
    except UnicodeDecodeError:
        return 0
    answer = deliver(client, body, signature)
    assert answer.status_code in {200, 400}, answer.text
    return answer.status_code
