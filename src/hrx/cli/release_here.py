"""This machine as one more target of `hrx release targets | deployments | bring-back`."""

from __future__ import annotations

from hrx.cli import output
from hrx.kit.errors import HrxError, Refused, Text, Unavailable
from hrx.ops.release.deploying import Place
from hrx.ops.release.deployments import list_deployments_here
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.release.this_machine import NAME, ThisMachine
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_place, follow
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.slots import find_slots
from hrx.ops.targets.releasing import Deployment


def list_here(settings: OpsSettings) -> tuple[Deployment, ...]:
    """What this machine has; nothing has to be up. Raises ReleaseUnreadable, Unavailable."""
    place = find_this_place(settings)
    rollouts = RolloutStore(rollout_folder(settings.var_dir))
    return list_deployments_here(place, rollouts, find_slots(place.layout))


def open_here(plane: Plane, *, by: str) -> ThisMachine:
    """Ready to be used in the name of `by`."""
    place = find_this_place(plane.settings)
    owner_url, looking = _find_owner_url(place), plane.settings.ops_database_url

    def follow_here(progress: Progress) -> None:
        try:
            follow(plane, place, progress, by=by)
        except HrxError as error:
            # The requests stay where they are; `hrx release follow` tries it again.
            output.show_error(error, as_json=False)

    return ThisMachine(
        place,
        find_slots(place.layout),
        ledger=plane.ledger,
        by=by,
        owner_url=owner_url,
        tables_url=looking.get_secret_value() if looking else owner_url,
        follow=follow_here,
    )


def refuse_here(target: str) -> None:
    """Raises Refused for this machine: what comes to its people passes the checks of `hrx release deploy`."""
    if target == NAME:
        raise Refused(
            Text(
                ja="このマシンには `hrx release ship` では出せません。",
                en="`hrx release ship` brings nothing to this machine.",
            ),
            hint=Text(
                ja="`hrx release build` で作り、`hrx release deploy` で届けてください。",
                en="Make it with `hrx release build`, bring it to people with `hrx release deploy`.",
            ),
            code="target.deployed_otherwise",
        )


def _find_owner_url(place: Place) -> str | None:
    try:
        return place.get_owner_url()
    except Unavailable:
        return None
