"""Downloads: name and type forced, for minutes, for nothing else (AC-U10, U12, U13), on both stores."""

from datetime import timedelta
from urllib.parse import quote, unquote

import pytest
import time_machine

from app.kit.clock import system_clock
from app.kit.filenames import attachment
from app.kit.ids import new_id
from app.portal import Portal
from tests.intake.shopper import send

NAMES = ["結果 報告.csv", 'a"b.csv', "x;y.csv", "a\r\nSet-Cookie: b.csv", "絵文字😀.zip", "あ" * 200, "résumé.csv"]


@pytest.fixture
def key(portal: Portal) -> str:
    name = f"results/{new_id()}/result.zip"
    portal.storage.put(name, b"<script>0123456789", "text/html")
    return name


@pytest.mark.parametrize("name", NAMES)
def test_ac_u10_u12_both_stores_give_our_name_and_type(portal_behind: Portal, key: str, name: str) -> None:
    """Whatever was stored and whatever the file is called: our type, our disposition, nothing kept, as AWS takes it."""
    disposition = attachment(name, "result-0000.zip")
    url = portal_behind.storage.sign_download(key, disposition, "application/zip")
    status, headers, text = send("GET", url)
    assert (status, text) == (200, "<script>0123456789")
    assert headers["Content-Disposition"] == disposition
    assert headers["Content-Type"] == "application/zip"
    assert headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in headers
    assert unquote(disposition.partition("''")[2])[:1] == name[:1]


def test_ac_u10_a_raw_japanese_disposition_would_be_refused_by_aws(portal_behind: Portal, key: str) -> None:
    """Why the name is encoded: a signed address with a value outside ISO-8859-1 is answered with 400."""
    url = portal_behind.storage.sign_download(key, 'attachment; filename="結果.zip"', "application/zip")
    status, _, text = send("GET", url)
    assert (status, "InvalidArgument" in text) == (400, True)


def test_ac_u13_both_stores_refuse_a_link_that_was_changed(portal: Portal, key: str) -> None:
    """Another key, name, type or life than the signed ones: 403."""
    url = portal.storage.sign_download(key, attachment("a.zip", "a.zip"), "application/zip")
    assert send("GET", url)[0] == 200
    forged = [
        url.replace("result.zip", "other.zip", 1),
        url.replace("a.zip", "b.html"),
        url.replace(quote("application/zip", safe=""), quote("text/html", safe="")),
        url.replace("X-Amz-Expires=300", "X-Amz-Expires=604800"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
    ]
    assert url not in forged
    assert [send("GET", one)[0] for one in forged] == [403] * len(forged)
    assert [send(method, url)[0] for method in ("DELETE", "PUT")] == [403, 403]


def test_ac_u13_u14_both_stores_end_a_link_after_five_minutes(portal: Portal, key: str) -> None:
    """Given four minutes ago it opens, given six minutes ago it is refused, whatever came to pass meanwhile."""
    for minutes, status in ((4, 200), (6, 403)):
        with time_machine.travel(system_clock() - timedelta(minutes=minutes)):
            url = portal.storage.sign_download(key, attachment("a.zip", "a.zip"), "application/zip")
        assert send("GET", url)[0] == status


def test_a_broken_download_goes_on_where_it_stopped(portal: Portal, key: str) -> None:
    url = portal.storage.sign_download(key, attachment("a.zip", "a.zip"), "application/zip")
    status, headers, text = send("GET", url, None, {"Range": "bytes=8-"})
    assert (status, text, headers["Content-Range"]) == (206, "0123456789", "bytes 8-17/18")
