"""What the page of releases shows, made of what is known: slots, requests, the rollout, and the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.ops.release.checking.listing import find_check
from hrx.ops.release.gating.wording import HEADINGS, ComparisonView, row_cells
from hrx.ops.release.releases import CheckResult, Component, Environment, Release, Slot
from hrx.ops.release.rollback.words import COMPONENTS
from hrx.ops.release.store import Placement, ReleaseStore
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.progress import Progress, Stand
from hrx.ops.release.strategies.rollout import plan_steps
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.release.strategies.warmth import say_way_back
from hrx.ops.release.strategies.wording import STRATEGIES, say_progress, say_step, show_comparisons
from hrx.ops.run.plane import Plane
from hrx.ops.targets.edge import ServerLook, SlotEdge

SERVICES: Final = ("api", "web")
ENVIRONMENTS: Final = {
    Environment.DEVELOPMENT: Text(ja="開発環境", en="Development"),
    Environment.STAGING: Text(ja="ステージング", en="Staging"),
    Environment.PRODUCTION: Text(ja="本番環境", en="Production"),
}
STANDS: Final = {
    Stand.RUNNING: (Text(ja="進行中", en="Running"), "running"),
    Stand.ASKING: (Text(ja="確認待ち", en="Waits for a decision"), "died"),
    Stand.UNDOING: (Text(ja="戻している途中", en="Going back"), "running"),
    Stand.PROMOTED: (Text(ja="切り替え完了", en="Took over"), "succeeded"),
    Stand.ROLLED_BACK: (Text(ja="元に戻した", en="Rolled back"), "failed"),
}
_SERVING: Final = (Text(ja="要求を受けている", en="takes requests"), "ok")
_SHARING: Final = (Text(ja="要求の一部を受けている", en="takes a share of requests"), "degraded")
_WARM: Final = (Text(ja="待機(動いたまま)", en="rests, still running"), "resting")
_COLD: Final = (Text(ja="待機(停止中)", en="rests, stopped"), "resting")
_UNKNOWN: Final = (Text(ja="不明", en="not known"), "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Of 100 new requests of a service, how many come to a slot; None while the edge does not answer.

    `is_kept`: a restarted edge sends everybody here."""

    service: str
    percent: int | None
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotView:
    """One slot. `release` is None where its manifest is not kept here; `release_id` where nothing of ours was
    placed, which is the checkout's version."""

    slot: Slot
    release_id: str | None
    release: Release | None
    placed: Placement | None
    shares: tuple[Share, ...]
    state: Text
    look: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    says: Text
    #: done, now or coming.
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutView:
    """A rollout. `is_asked_back`: somebody asked for the way back, and nobody has taken it up yet."""

    progress: Progress
    stand: Text
    look: str
    says: Text
    strategy: Text
    steps: tuple[StepView, ...]
    comparisons: tuple[ComparisonView, ...]
    is_asked_back: bool
    #: Whether the version before still runs, once another took over; None while that is no question.
    way_back: Text | None = None

    @property
    def key(self) -> str:
        """Changes when other buttons belong on the page."""
        asked = "-asked" if self.is_asked_back else ""
        return f"{self.progress.rollout.id}-{self.progress.stand}{asked}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRow:
    environment: Environment
    name: Text
    live: str | None
    version: str
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Slots and rollout together, as they are now. `edge_problem`: why requests cannot be told."""

    slots: tuple[SlotView, ...]
    rollout: RolloutView | None
    edge_problem: Unavailable | None

    @property
    def key(self) -> str:
        return self.rollout.key if self.rollout is not None else "none"


def open_releases(plane: Plane) -> ReleaseStore:
    """This machine's releases."""
    return ReleaseStore(plane.settings.var_dir / "releases")


def look(plane: Plane, find_hands: Callable[[], Hands]) -> Picture:
    """Raises ReleaseUnreadable, and Unavailable when the record of the rollout cannot be read."""
    rollout, hands = find_rollout(plane), find_hands()
    looks, problem = _look_at(hands.edge)
    store = open_releases(plane)
    held = store.look(Environment(plane.settings.environment)).slots
    return Picture(
        slots=tuple(_slot(slot, store, held.get(slot), hands=hands, looks=looks) for slot in Slot),
        rollout=_with_way_back(rollout, hands) if rollout is not None else None,
        edge_problem=problem,
    )


def _with_way_back(rollout: RolloutView, hands: Hands) -> RolloutView:
    if rollout.progress.stand is not Stand.PROMOTED:
        return rollout
    is_warm = _is_running(hands, rollout.progress.rollout.old)
    return replace(rollout, way_back=say_way_back(rollout.progress, is_warm=is_warm))


def _is_running(hands: Hands, slot: Slot) -> bool:
    """By the list of programs: a page waits for nobody who hangs."""
    try:
        return all(hands.is_running(service, slot) for service in SERVICES)
    except Unavailable:
        return False


def find_picture(plane: Plane, find_hands: Callable[[], Hands]) -> Picture | None:
    """The same; None when it cannot be told."""
    try:
        return look(plane, find_hands)
    except HrxError:
        return None


def find_rollout(plane: Plane) -> RolloutView | None:
    """The rollout under way, else the last one. Raises Unavailable when its record cannot be read."""
    store = RolloutStore(rollout_folder(plane.settings.var_dir))
    progress = store.find()
    if progress is None:
        return None
    stand, seen_as = STANDS[progress.stand]
    is_late = progress.stand in (Stand.UNDOING, Stand.ROLLED_BACK)
    return RolloutView(
        progress=progress,
        stand=stand,
        look=seen_as,
        says=say_progress(progress),
        strategy=STRATEGIES[progress.rollout.strategy],
        steps=tuple(
            StepView(says=say_step(step), state=_state_of(number, progress))
            for number, step in enumerate(plan_steps(progress.rollout))
        ),
        comparisons=() if progress.stand.is_over else show_comparisons(progress),
        is_asked_back=not is_late and store.is_asked_back(progress.rollout.id),
    )


def list_environments(store: ReleaseStore, *, here: Environment) -> tuple[EnvironmentRow, ...]:
    """What this machine's record knows to be live in each."""
    rows = []
    for one, name in ENVIRONMENTS.items():
        live = store.look(one).live
        release = store.find(live) if live is not None else None
        rows.append(
            EnvironmentRow(
                environment=one,
                name=name,
                live=live,
                version=release.version if release is not None else "–",
                is_here=one is here,
            )
        )
    return tuple(rows)


def list_components(release: Release) -> tuple[tuple[Text, str], ...]:
    """Name and version of each component that the release has, in the order of the enumeration."""
    return tuple(
        (COMPONENTS[one], version) for one in Component if (version := release.find_version(one)) is not None
    )


def name_check(check: CheckResult) -> Text:
    """What a check is called; its own name where this version knows none of that name."""
    known = find_check(check.name)
    return known.title if known is not None else Text(ja=check.name, en=check.name)


def cells_of(view: ComparisonView) -> tuple[tuple[Text, ...], ...]:
    return tuple(row_cells(row) for row in view.rows)


def headings() -> tuple[Text, ...]:
    return HEADINGS


def _state_of(number: int, progress: Progress) -> str:
    if number < progress.step:
        return "done"
    return "now" if number == progress.step else "coming"


def _look_at(edge: SlotEdge) -> tuple[dict[str, dict[str, ServerLook]], Unavailable | None]:
    try:
        return {service: dict(edge.look(service)) for service in SERVICES}, None
    except Unavailable as error:
        return {}, error


def _slot(
    slot: Slot,
    store: ReleaseStore,
    placed: Placement | None,
    *,
    hands: Hands,
    looks: dict[str, dict[str, ServerLook]],
) -> SlotView:
    release_id = placed.release_id if placed is not None else None
    shares = tuple(
        Share(
            service=service,
            percent=_percent(looks.get(service, {}), slot),
            is_kept=hands.edge.kept(service) == slot.value,
        )
        for service in SERVICES
    )
    state, seen_as = _stand_of(shares, is_running=_is_running(hands, slot))
    return SlotView(
        slot=slot,
        release_id=release_id,
        release=store.find(release_id) if release_id is not None else None,
        placed=placed,
        shares=shares,
        state=state,
        look=seen_as,
    )


def _percent(servers: dict[str, ServerLook], slot: Slot) -> int | None:
    own = servers.get(slot.value)
    if own is None:
        return None
    whole = sum(one.weight for one in servers.values() if one.is_taking)
    return round(100 * own.weight / whole) if own.is_taking and whole else 0


def _stand_of(shares: tuple[Share, ...], *, is_running: bool) -> tuple[Text, str]:
    percents = [one.percent for one in shares]
    if any(one is None for one in percents):
        return _UNKNOWN
    if all(one == 100 for one in percents):
        return _SERVING
    if any(percents):
        return _SHARING
    return _WARM if is_running else _COLD
