"""Every target with the place that it speaks to, ready to be held to the conformance suite.

A further target is added by one line in GROUNDS."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.targets.calling import Credential, Limits
from hrx.ops.targets.cloudflare.shapes import Project as PagesProject
from hrx.ops.targets.cloudflare.target import CloudflarePages
from hrx.ops.targets.fly.shapes import App
from hrx.ops.targets.fly.target import Fly
from hrx.ops.targets.railway.journal import Journal
from hrx.ops.targets.railway.shapes import Place
from hrx.ops.targets.railway.target import Railway
from hrx.ops.targets.releasing import Build, Folder, Image, ReleaseTarget
from hrx.ops.targets.vercel.shapes import Project as VercelProject
from hrx.ops.targets.vercel.target import Vercel
from tests.ops.targets.memory import MemoryTarget, World
from tests.servers import fly, pages, railway, vercel
from tests.servers.vendor import VendorServer

#: A vendor that hangs is given up after this, and a look is made so often.
LIMITS = Limits(call_s=0.6, too_many_s=5.0, poll_s=0.005)
#: Enough for every stand-in's few looks.
WAIT_S = 5.0
VARIABLE = "HRX_TEST_TOKEN"
MACHINES = 2


@dataclass(kw_only=True)
class Ground:
    """`open` gives the target anew, as the next run of a command has it."""

    open: Callable[[], ReleaseTarget]
    build: Callable[[str], Build]
    variables: Callable[[], dict[str, str]]
    made: Callable[[], int]
    make_sick: Callable[[str], None]
    server: VendorServer | None = None
    #: How long a well and a sick one are waited for.
    wait_s: float = WAIT_S
    sick_s: float = 0.3

    @property
    def vendor(self) -> VendorServer:
        assert self.server is not None
        return self.server


def credential(server: VendorServer, *, header: str = "Authorization") -> Credential:
    value = server.token if header != "Authorization" else f"Bearer {server.token}"
    rights = Text(ja="デプロイ", en="deploying")
    return Credential(variable=VARIABLE, rights=rights, header=header, value=SecretStr(value))


def no_pause(seconds: float) -> None:
    """Waits of the program are not waited for; the stand-ins move on with each look."""
    del seconds


def image(version: str) -> Image:
    return Image(reference=f"images.example/hrx:{version}")


def folder_of(root: Path) -> Callable[[str], Build]:
    """A small folder with content of its own for each version, and things that must stay here."""

    def build(version: str) -> Build:
        path = root / version
        if not path.exists():
            (path / "assets").mkdir(parents=True)
            (path / "index.html").write_text(f"<p>{version}</p>")
            (path / "assets" / "shared.css").write_text("p { color: black }")
            (path / ".env").write_text("PASSWORD=never-leaves")
            (path / "node_modules").mkdir()
            (path / "node_modules" / "x.js").write_text("x")
        return Folder(path=path)

    return build


@contextmanager
def memory_ground(tmp: Path) -> Iterator[Ground]:
    del tmp
    world = World()
    yield Ground(
        open=lambda: MemoryTarget(world),
        build=image,
        variables=lambda: world.variables,
        made=lambda: len(world.deployments),
        make_sick=world.sick.add,
    )


@contextmanager
def railway_ground(tmp: Path) -> Iterator[Ground]:
    with railway.running_railway() as server:
        place = Place(
            project=railway.PROJECT,
            environment=railway.ENVIRONMENT,
            service=railway.SERVICE,
            health_path="/readyz",
        )
        yield Ground(
            server=server,
            open=lambda: Railway(
                place,
                credential=credential(server, header="Project-Access-Token"),
                journal=Journal(tmp / "railway.json"),
                url=server.url,
                limits=LIMITS,
                sleep=no_pause,
            ),
            build=image,
            variables=lambda: server.variables,
            made=lambda: server.made,
            make_sick=server.sick.add,
        )
        assert server.invalid == []


@contextmanager
def fly_ground(tmp: Path) -> Iterator[Ground]:
    del tmp
    with fly.running_fly() as server:
        app = App(name=fly.APP, region="nrt", machines=MACHINES, port=8101, health_path="/readyz")
        yield Ground(
            server=server,
            open=lambda: Fly(
                app,
                credential=credential(server),
                url=server.url,
                logs_url=server.url,
                limits=LIMITS,
                sleep=no_pause,
            ),
            build=image,
            variables=lambda: server.variables,
            made=lambda: server.made,
            make_sick=server.sick.add,
        )


@contextmanager
def vercel_ground(tmp: Path) -> Iterator[Ground]:
    with vercel.running_vercel() as server:
        project = VercelProject(id=vercel.PROJECT, team=vercel.TEAM, health_path="/web/livez")
        yield Ground(
            server=server,
            open=lambda: Vercel(
                project, credential=credential(server), url=server.url, limits=LIMITS, sleep=no_pause
            ),
            build=folder_of(tmp),
            variables=lambda: {name: one["value"] for name, one in server.variables.items()},
            made=lambda: server.made,
            make_sick=server.sick.add,
        )


@contextmanager
def cloudflare_ground(tmp: Path) -> Iterator[Ground]:
    with pages.running_pages() as server:
        project = PagesProject(account=pages.ACCOUNT, name=pages.PROJECT, health_path="/")
        yield Ground(
            server=server,
            open=lambda: CloudflarePages(
                project, credential=credential(server), url=server.url, limits=LIMITS, sleep=no_pause
            ),
            build=folder_of(tmp),
            variables=lambda: {name: one["value"] for name, one in server.variables.items()},
            made=lambda: server.made,
            make_sick=server.sick.add,
        )


MakesGround = Callable[[Path], AbstractContextManager[Ground]]
VENDORS: dict[str, MakesGround] = {
    "railway": railway_ground,
    "fly": fly_ground,
    "vercel": vercel_ground,
    "cloudflare": cloudflare_ground,
}
#: The suite's targets, besides this machine, whose processes are shared (see machine_ground).
GROUNDS: dict[str, MakesGround] = {"memory": memory_ground, **VENDORS}
MACHINE = "machine"


def secret_value() -> SecretStr:
    return SecretStr(f"v-{secrets.token_hex(12)}")
