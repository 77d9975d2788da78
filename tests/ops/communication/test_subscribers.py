"""Readers by mail: asked twice, sealed everywhere, told in batches, gone with one click."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hrx.kit import clock
from hrx.kit.sealing import NotOpened, derive, open_sealed, public_of, seal, seal_for, unseal
from hrx.kit.settings import SecretStr
from hrx.ops.channels.channel import DeliveryFailed
from hrx.ops.channels.email import to_message
from hrx.ops.communication import subscriptions
from hrx.ops.communication.notices import draft
from hrx.ops.communication.publishing import export_status, write_status
from hrx.ops.communication.speaking import publish
from hrx.ops.ledger.communications import Audience
from hrx.ops.ledger.notifications import (
    Notification,
    NotificationState,
    list_attempts,
    list_notifications,
)
from hrx.ops.ledger.subscribers import SubscriberState, add_subscriber, set_subscriber_state
from hrx.ops.paging.messages import to_envelope
from hrx.ops.paging.sender import Sender
from hrx.ops.paging.subscribers import SUBSCRIBER, find_reader, unsubscribe_url
from hrx.ops.run.plane import Plane
from hrx.ops.status.serving import StatusPage
from tests.ops.communication.conftest import open_incident, turn
from tests.ops.incidents.conftest import RESPONDER

pytestmark = pytest.mark.req("R5.3-1")
ADDRESS = "Hanako.Yamada@customer.example.jp"
DAY = timedelta(days=1)


@pytest.fixture
def plane(speaking: Plane) -> Plane:
    """The plane with a key for subscribers."""
    changed = {"subscriber_key": SecretStr("k" * 43), "status_public_url": "https://status.example.jp"}
    opened = replace(speaking, settings=speaking.settings.model_copy(update=changed))
    subscriptions.take_requests(opened)
    return opened


def page_of(plane: Plane) -> StatusPage:
    return StatusPage(plane.settings.var_dir / "status" / "public", commit="x")


def ask(plane: Plane, page: StatusPage, *, source: str = "192.0.2.1", **fields: str) -> int:
    body = urlencode({"address": ADDRESS, "language": "ja", **fields}).encode()
    status = page.take("/subscribe", body, token="", source=source).status
    subscriptions.take_requests(plane)
    return status


def mails(plane: Plane, purpose: str = "confirmation") -> list[Notification]:
    found = list_notifications(plane.ledger.store, limit=1000)
    return [one for one in reversed(found) if one.purpose == purpose]


def token_in(mail: Notification) -> str:
    line = next(one["ja"] for one in mail.message["lines"] if "token=" in one["ja"])
    return str(line).partition("token=")[2]


def subscribe(plane: Plane) -> None:
    page = page_of(plane)
    ask(plane, page)
    page.take("/confirm", b"", token=token_in(mails(plane)[-1]), source="192.0.2.1")
    subscriptions.take_requests(plane)


def publish_first(plane: Plane) -> None:
    number = open_incident(plane)
    words = draft(plane, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(plane, words.id, actor=RESPONDER)


def test_a_reader_is_one_only_after_pressing_the_link_in_the_mail(plane: Plane) -> None:
    page = page_of(plane)
    assert ask(plane, page) == 202
    assert subscriptions.count(plane) == {"pending": 1}
    token = token_in(mails(plane)[0])
    opened = page.answer("/confirm", token=token)
    assert "購読する" in opened.body.decode()
    subscriptions.take_requests(plane)
    assert subscriptions.count(plane) == {"pending": 1}, "opening a link is not pressing it"
    assert page.take("/confirm", b"", token=token, source="192.0.2.1").status == 202
    subscriptions.take_requests(plane)
    assert subscriptions.count(plane) == {"active": 1}


def test_one_click_ends_it_and_deletes_the_address(plane: Plane) -> None:
    subscribe(plane)
    publish_first(plane)
    turn(plane)
    (mail,) = mails(plane, "news")
    url = unsubscribe_url(plane, mail.recipient)
    assert url is not None
    assert url.startswith("https://status.example.jp/leave?token=")
    page = page_of(plane)
    wrong = url.partition("token=")[2].replace(".", ".0")[:-1]
    page.take("/leave", b"", token=wrong, source="192.0.2.1")
    subscriptions.take_requests(plane)
    assert subscriptions.count(plane) == {"active": 1}
    clicked = page.take(
        "/leave", b"List-Unsubscribe=One-Click", token=url.partition("token=")[2], source="192.0.2.1"
    )
    subscriptions.take_requests(plane)
    assert (clicked.status, subscriptions.count(plane)) == (202, {})
    assert find_reader(plane, mail.recipient) is None


def test_the_address_is_nowhere_in_clear(plane: Plane, caplog: pytest.LogCaptureFixture) -> None:
    page = page_of(plane)
    with caplog.at_level(logging.DEBUG):
        page.take("/subscribe", urlencode({"address": ADDRESS}).encode(), token="", source="192.0.2.1")
        waiting = [*(plane.settings.var_dir / "status" / "spool").iterdir()]
        assert any(path.suffix == ".request" for path in waiting)
        subscriptions.take_requests(plane)
        page.take("/confirm", b"", token=token_in(mails(plane)[0]), source="192.0.2.1")
        subscriptions.take_requests(plane)
        publish_first(plane)
        turn(plane)
    name = ADDRESS.split("@", maxsplit=1)[0].lower()
    files = [path for path in plane.settings.var_dir.rglob("*") if path.is_file()]
    assert [path for path in files if name.encode() in path.read_bytes().lower()] == []
    assert name not in caplog.text.lower()
    reader = find_reader(plane, mails(plane, "news")[0].recipient)
    assert reader is not None
    assert reader.reaches[0].address == ADDRESS


def test_what_the_public_process_dropped_it_cannot_read_back(plane: Plane) -> None:
    private = derive("s", "spool")
    sealed = seal_for(public_of(private), b"who", about="x")
    assert open_sealed(private, sealed, about="x") == b"who"
    for key, about in ((derive("t", "spool"), "x"), (private, "y"), (public_of(private), "x")):
        with pytest.raises(NotOpened):
            open_sealed(key, sealed, about=about)
    own = derive("s", "own")
    with pytest.raises(NotOpened):
        unseal(own, seal(own, b"a", about="1"), about="2")


def test_nobody_is_bombed_with_mail_and_nobody_learns_who_subscribes(plane: Plane) -> None:
    page = page_of(plane)
    answers = {ask(plane, page, source=f"192.0.2.{at}") for at in range(8)}
    assert answers == {202}
    assert len(mails(plane)) == 1
    with clock.shifted(DAY + timedelta(minutes=1)):
        ask(plane, page, source="192.0.2.99")
    assert len(mails(plane)) == 2


def test_requests_are_limited_and_nonsense_is_refused(plane: Plane) -> None:
    page = page_of(plane)
    for nonsense in ("", "no", "a@b", "a b@c.jp", "a@c.jp\nBcc: x@y.jp", "x" * 250 + "@c.jp"):
        body = urlencode({"address": nonsense}).encode()
        assert page.take("/subscribe", body, token="", source="192.0.2.1").status == 422
    assert ask(plane, page, website="http://spam.example") == 202
    assert subscriptions.count(plane) == {}
    for at in range(5):
        assert ask(plane, page, address=f"reader{at}@c.example") == 202
    assert ask(plane, page, address="reader9@c.example") == 429
    assert page.take("/leave", b"", token="7.x", source="192.0.2.2").status == 422
    assert page.take("/nothing", b"", token="", source="192.0.2.2").status == 405


def test_those_who_never_confirm_are_forgotten_after_a_day(plane: Plane) -> None:
    ask(plane, page_of(plane))
    assert subscriptions.forget_unconfirmed(plane) == 0
    with clock.shifted(DAY + timedelta(minutes=1)):
        assert subscriptions.forget_unconfirmed(plane) == 1
    assert subscriptions.count(plane) == {}


def test_many_readers_are_told_in_batches_and_none_twice(plane: Plane) -> None:
    with plane.ledger.store.write() as connection:
        for at in range(250):
            number = add_subscriber(connection, digest=f"d{at}", address=b"x", language="ja")
            set_subscriber_state(connection, number, SubscriberState.ACTIVE)
    publish_first(plane)
    turn(plane)
    assert len(mails(plane, "news")) == 100
    turn(plane, after=timedelta(seconds=11))
    turn(plane, after=timedelta(seconds=22))
    turn(plane, after=timedelta(seconds=60))
    told = [one.recipient for one in mails(plane, "news")]
    assert len(told) == len(set(told)) == 250


def test_the_mail_has_a_button_to_leave_and_never_leads_to_our_console(plane: Plane) -> None:
    subscribe(plane)
    publish_first(plane)
    turn(plane)
    (mail,) = mails(plane, "news")
    reader = find_reader(plane, mail.recipient)
    assert reader is not None
    envelope = to_envelope(
        [mail],
        reach=reader.reaches[0],
        language=reader.language,
        base_url="http://127.0.0.1:8090",
        thread_ref=None,
        unsubscribe_url=unsubscribe_url(plane, mail.recipient),
    )
    message = to_message(envelope, sender="status@hrx.example")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    body = message.get_content()
    assert "8090" not in body
    assert "運用コンソール" not in body
    assert "https://status.example.jp/index.ja.html" in body
    assert "SEV" not in message["Subject"]


def test_an_address_that_is_refused_for_good_gets_no_more_mail(plane: Plane) -> None:
    subscribe(plane)
    publish_first(plane)
    turn(plane)
    sender = Sender(plane, {})
    (mail,) = mails(plane, "news")
    refused = DeliveryFailed(f"SMTP 550 <{ADDRESS}> unknown", is_permanent=True)
    sender._settle([mail], refused, latency_ms=1)
    sender.close()
    assert subscriptions.count(plane) == {"bounced": 1}
    (attempt,) = list_attempts(plane.ledger.store, mail.id)
    assert "Hanako" not in attempt.says
    found = next(one for one in list_notifications(plane.ledger.store) if one.id == mail.id)
    assert found.state is NotificationState.FAILED
    assert find_reader(plane, f"{SUBSCRIBER}1") is None


def test_the_form_is_there_only_where_it_works(plane: Plane, speaking: Plane, tmp_path: Path) -> None:
    write_status(plane)
    page = page_of(plane)
    assert 'action="subscribe"' in page.answer("/ja").body.decode()
    export_status(plane, tmp_path / "host")
    assert 'action="subscribe"' not in (tmp_path / "host" / "index.ja.html").read_text()
    write_status(speaking)
    assert 'action="subscribe"' not in page.answer("/ja").body.decode()


def test_a_second_host_gets_the_same_page_without_the_form(plane: Plane, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    settings = plane.settings.model_copy(update={"status_mirror_dir": mirror})
    write_status(replace(plane, settings=settings))
    assert "すべて正常に動いています" in (mirror / "index.html").read_text()
    assert 'action="subscribe"' not in (mirror / "index.ja.html").read_text()
