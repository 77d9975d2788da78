"""The product's API as a person with a token uses it: sign in, upload, look."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import typer

from hrx.cli import output
from hrx.cli.machine import open_machine
from hrx.kit.errors import Forbidden, Invalid, NotSignedIn, Text, Unavailable
from hrx.kit.settings import load
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.secrets import read_secrets

#: The demo company's HR account; its password is one of this machine's secrets.
DEMO_HR: Final = "hr@minato-seiki.example"
_TIMEOUT_S: Final = 60.0
_TRIES: Final = 6
_ON_THE_WAY: Final = frozenset({"waiting", "reading"})


@dataclass(slots=True, kw_only=True)
class Sent:
    """A file and what became of it; `outcome` is empty for one that was refused at the door."""

    place: str
    outcome: str = ""
    document_id: int = 0
    number: int = 0
    state: str = ""
    passages: int = 0
    problem: str = ""
    hint: str = ""

    @property
    def is_on_its_way(self) -> bool:
        return self.state in _ON_THE_WAY


@dataclass(frozen=True, slots=True)
class Api:
    """A signed-in caller."""

    client: httpx.Client

    def upload(self, path: Path, *, place: str, form: dict[str, str]) -> Sent:
        """Send one file. A file that is refused is told in the result; raises Forbidden, Unavailable."""
        answer = self._ask(
            "POST",
            "/documents",
            data={**form, "source_path": place},
            files={"file": (path.name, path.read_bytes())},
        )
        if answer.status_code in (413, 422):
            problem = answer.json()
            return Sent(place=place, problem=problem["detail"], hint=problem.get("hint") or "")
        self._expect(answer, 202)
        item = answer.json()["items"][0]
        sent = Sent(place=place, outcome=item["outcome"], document_id=item["id"])
        self.look(sent)
        return sent

    def look(self, sent: Sent) -> None:
        """How far the newest version of a document has come."""
        answer = self._ask("GET", f"/documents/{sent.document_id}")
        self._expect(answer, 200)
        version = answer.json()["versions"][0]
        sent.state, sent.passages, sent.number = version["state"], version["passages"], version["number"]
        if version["problem"]:
            sent.problem, sent.hint = version["problem"]["message"], version["problem"]["hint"] or ""

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Again, with growing pauses, while the product is away; what was sent twice is one version."""
        for attempt in range(_TRIES):
            try:
                answer = self.client.request(method, path, **options)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in (429, 502, 503, 504):
                return answer
            time.sleep(min(2.0**attempt * 0.5, 8.0))
        raise Unavailable(
            Text(ja="ポータルの応答がありません", en="The portal does not answer"),
            hint=Text(
                ja="`hrx status` で確かめ、同じコマンドをもう一度実行してください(続きから始まります)。",
                en="Look with `hrx status`, then type the same command again: it goes on where it stopped.",
            ),
            code="import.no_answer",
        )

    def _expect(self, answer: httpx.Response, status: int) -> None:
        if answer.status_code == status:
            return
        detail = _detail(answer)
        if answer.status_code in (401, 403):
            raise Forbidden(
                Text(ja=detail, en=detail),
                hint=Text(
                    ja="人事の権限を持つ利用者を `--email` で指定してください。",
                    en="Name a user of HR with `--email`.",
                ),
            )
        raise Unavailable(Text(ja=detail, en=detail), code="import.refused")


@contextmanager
def open_api(*, url: str | None, email: str | None) -> Iterator[Api]:
    """Sign in as the demo's HR on this machine, or as the person named. Raises NotSignedIn, Unavailable."""
    base = (url or load(OpsSettings).edge_url).rstrip("/")
    password = _ask_password(email) if email or url else _demo_password()
    # Proxies of the environment are for the internet, not for this machine.
    with httpx.Client(base_url=f"{base}/api/v1", timeout=_TIMEOUT_S, trust_env=False) as client:
        client.headers["Accept-Language"] = output.language()
        client.headers["Authorization"] = f"Bearer {_sign_in(client, email or DEMO_HR, password)}"
        yield Api(client)


def _sign_in(client: httpx.Client, email: str, password: str) -> str:
    try:
        answer = client.post("/auth/login", json={"email": email, "password": password, "bearer": True})
    except httpx.TransportError as error:
        raise Unavailable(
            Text(ja=f"{client.base_url} に接続できません", en=f"Nothing answers at {client.base_url}"),
            hint=Text(ja="`hrx up` で起動してください。", en="Start it with `hrx up`."),
            code="import.no_answer",
        ) from error
    token = answer.json().get("token") if answer.status_code == 200 else None
    if not token:
        raise NotSignedIn(
            Text(ja=f"{email} でサインインできません", en=f"{email} cannot sign in"),
            hint=Text(
                ja="`--email` とパスワードを確かめてください。二要素認証の利用者は使えません。",
                en="Look at `--email` and the password; users with a second factor cannot be used here.",
            ),
        )
    return str(token)


def _demo_password() -> str:
    layout, _ = open_machine()
    found = read_secrets(layout.secrets_file).get("HRX_DEMO_PASSWORD")
    if not found:
        raise NotSignedIn(
            Text(ja="このマシンにデモ会社がありません", en="There is no demo company on this machine"),
            hint=Text(
                ja="`--email` で人事の利用者を指定してください。", en="Name a user of HR with `--email`."
            ),
        )
    # While a secret is renewed there are two, the newest first.
    return found.split(",")[0]


def _ask_password(email: str | None) -> str:
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\n")
        if line:
            return line
        raise Invalid(
            Text(ja="パスワードがありません", en="There is no password"),
            hint=Text(ja="標準入力の 1 行目に渡してください。", en="Give it as a line of standard input."),
            code="import.no_password",
        )
    return str(typer.prompt(email or DEMO_HR, hide_input=True))


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
