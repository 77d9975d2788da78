"""A reader's whole way with real processes: the public page, the plane, a mail server, and back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from hrx.kit.settings import SecretStr
from hrx.ops.channels.opening import open_channels
from hrx.ops.communication import subscriptions
from hrx.ops.communication.notices import draft
from hrx.ops.communication.speaking import publish
from hrx.ops.communication.timers import ROUNDS
from hrx.ops.console.duties import DECISIONS
from hrx.ops.inbox.box import StandIn
from hrx.ops.ledger.communications import Audience
from hrx.ops.paging.sender import Sender
from hrx.ops.run.plane import Plane
from hrx.ops.tick import Ticker
from tests.conftest import free_port
from tests.ops.communication.conftest import StatusProcess, open_incident, serving_status
from tests.ops.incidents.conftest import RESPONDER
from tests.ops.paging.conftest import Inbox
from tests.ops.paging.conftest import inbox as inbox
from tests.ops.paging.conftest import paging_plane as paging_plane
from tests.ops.paging.conftest import paging_settings as paging_settings

pytestmark = pytest.mark.req("R5.3-1")
ADDRESS = "reader@customer.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A plane that ticks when told to, its public page as a process, and where its mail arrives."""

    plane: Plane
    page: StatusProcess
    inbox: Inbox
    ticker: Ticker
    sender: Sender

    def tick(self) -> None:
        for _ in range(3):
            self.ticker.tick()
            assert self.sender.drain(within_s=15)

    def mail(self, count: int) -> list[str]:
        """The texts of the mails to our reader, once so many have arrived."""
        deadline = time.monotonic() + 10
        while len(self.inbox.messages(StandIn.EMAIL, to=ADDRESS)) < count and time.monotonic() < deadline:
            self.tick()
        found = self.inbox.messages(StandIn.EMAIL, to=ADDRESS)
        assert len(found) == count
        return [str(one.body["text"]) for one in found]

    def post(self, path: str, **fields: str) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.post(self.page.url + path, data=fields, headers={"Accept-Language": "en"})


@pytest.fixture
def world(paging_plane: Plane, inbox: Inbox) -> Iterator[World]:
    port = free_port()
    changed = {
        "subscriber_key": SecretStr("k" * 43),
        "status_public_url": f"http://127.0.0.1:{port}",
        "status_port": port,
    }
    plane = replace(paging_plane, settings=paging_plane.settings.model_copy(update=changed))
    sender = Sender(plane, open_channels(plane.settings))
    ticker = Ticker(plane, decisions=DECISIONS, works={}, rounds=(*ROUNDS, sender.send_due))
    with serving_status(plane, port=port) as page:
        yield World(plane=plane, page=page, inbox=inbox, ticker=ticker, sender=sender)
    sender.close()
    ticker.stop()


def link_in(text: str, verb: str) -> str:
    found = re.search(rf"http://127\.0\.0\.1:\d+(/{verb}\?token=\S+)", text)
    assert found is not None, text
    return found.group(1)


def test_from_the_form_to_the_news_and_out_again(world: World) -> None:
    world.tick()
    assert 'action="subscribe"' in world.page.get("/en").text
    answer = world.post("/subscribe", address=ADDRESS, language="en")
    assert answer.status_code == 202
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    world.tick()
    (asked,) = world.mail(1)
    link = link_in(asked, "confirm")
    assert "<button>Subscribe</button>" in world.page.get(link).text
    assert "You are subscribed" in world.post(link).text
    world.tick()
    assert subscriptions.count(world.plane) == {"active": 1}
    number = open_incident(world.plane)
    words = draft(world.plane, number, audience=Audience.CUSTOMERS, actor=RESPONDER)
    publish(world.plane, words.id, actor=RESPONDER)
    world.tick()
    news = world.mail(2)[-1]
    assert "Sign-in (outage)" in news
    assert str(world.plane.settings.ops_port) not in news
    leave = link_in(news, "leave")
    assert world.post(leave, **{"List-Unsubscribe": "One-Click"}).status_code == 202
    world.tick()
    assert subscriptions.count(world.plane) == {}
    assert world.page.size_mb < 60
