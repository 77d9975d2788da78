"""The part that scores, as one process: `python -m hrx.app.models.serving`.

It knows the registry's store and the public keys; no database, no cache, no key that signs."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from hrx.app.model_settings import ScoringSettings
from hrx.app.models.scoring import Scorer
from hrx.app.models.serving.answering import Answering, remove_socket
from hrx.app.models.serving.batching import Batcher, Limits
from hrx.app.models.serving.figures import ScoringFigures
from hrx.kit import log, metrics
from hrx.kit.door import PartDoor
from hrx.kit.errors import HrxError, Invalid, Text
from hrx.kit.models.registry import Registry
from hrx.kit.models.settings import ModelStoreSettings
from hrx.kit.models.shelf import open_shelf
from hrx.kit.models.signing import read_trust
from hrx.kit.settings import load, setting

_logger = logging.getLogger("hrx.scoring")
_FINISHES_WITHIN_S: Final = 8.0


class ServingSettings(ScoringSettings, ModelStoreSettings):
    """Everything that this process knows."""

    commit: str = setting("unknown", ja="動いているソースのコミット。", en="Commit of the running source.")
    log_level: str = setting("INFO", ja="ログの詳しさ。", en="How much is logged.")
    metrics_bind: str = setting(
        "127.0.0.1",
        ja="数値の待ち受けアドレス。コンテナーでは 0.0.0.0。",
        en="Address of the figures; 0.0.0.0 in a container.",
        unit="address",
    )


class Serving:
    """The models of one process."""

    def __init__(self, settings: ServingSettings, *, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._figures = ScoringFigures(registry)
        self._unreadable: dict[str, HrxError] = {}
        self._trusted = list_trusted(settings)
        limits = Limits(
            batch_rows=settings.scoring_batch_rows,
            wait_s=settings.scoring_batch_wait_ms / 1_000,
            queue_rows=settings.scoring_queue_rows,
            run_timeout_s=settings.scoring_run_timeout_s,
        )
        shelf = open_registry(settings, trusted=self._trusted)
        names = [one.strip() for one in settings.scoring_models.split(",") if one.strip()]
        self._scorers = {name: Scorer(shelf, name) for name in names}
        self._batchers = {
            name: Batcher(scorer, limits=limits, figures=self._figures)
            for name, scorer in self._scorers.items()
        }
        for name in names:
            self._figures.announce(name)

    async def run(self, socket: Path, *, stop: asyncio.Event) -> None:
        """Serve until told to stop; then what was let in is answered first."""
        answering = Answering(self._batchers, figures=self._figures)
        working = [asyncio.create_task(one.run()) for one in self._batchers.values()]
        await self._look()
        listening = await answering.listen(socket)
        looking = asyncio.create_task(self._keep_looking())
        stopping = asyncio.create_task(stop.wait())
        _logger.info("Scoring", extra={"fields": {"models": sorted(self._scorers)}})
        await asyncio.wait([*working, looking, stopping], return_when=asyncio.FIRST_COMPLETED)
        _logger.info("Stopping")
        # Nobody new: who comes now finds no socket, and asks the process after us.
        listening.close()
        remove_socket(socket)
        looking.cancel()
        await answering.finish(within_s=_FINISHES_WITHIN_S)
        for one in working:
            one.cancel()
        ended = await asyncio.gather(*working, looking, return_exceptions=True)
        for said in ended:
            if isinstance(said, Exception):
                raise said

    def list_degraded(self) -> list[str]:
        """Models that do not answer as their aliases say."""
        return [
            f"{name}: {alias.value}"
            for name, scorer in self._scorers.items()
            for alias in scorer.standing.problems
        ] + [f"{name}: {error.stable_code}" for name, error in self._unreadable.items()]

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._settings.scoring_poll_s)
            await self._look()

    def _follow_keys(self) -> None:
        """A machine's signing key is made when the first model is registered, and may be exchanged."""
        trusted = list_trusted(self._settings)
        if trusted != self._trusted:
            registry = open_registry(self._settings, trusted=trusted)
            for scorer in self._scorers.values():
                scorer.read_from(registry)
            self._trusted = trusted

    async def _look(self) -> None:
        """Follow the aliases; loading goes on beside the answers."""
        self._follow_keys()
        for name, scorer in self._scorers.items():
            before = scorer.standing
            try:
                after = await asyncio.to_thread(scorer.refresh)
            except HrxError as error:
                if name not in self._unreadable:
                    _logger.warning(
                        "The registry cannot be read; what stands ready goes on",
                        extra={"fields": {"model": name, "error": error.message.en}},
                    )
                self._unreadable[name] = error
                continue
            self._unreadable.pop(name, None)
            self._figures.note_standing(name, after)
            if after.live is not before.live and after.live is not None:
                self._figures.switches.labels(name).inc()
                version = after.live.version.version
                _logger.info("Live", extra={"fields": {"model": name, "version": version}})
            for alias, problem in after.problems.items():
                if alias not in before.problems:
                    _logger.error(
                        "A version is not loaded; the one before goes on",
                        extra={"fields": {"model": name, "alias": alias.value, "error": problem.message.en}},
                    )


def open_registry(settings: ServingSettings, *, trusted: list[str]) -> Registry:
    """The registry, with whose word counts. Raises ModelInvalid, KeyInvalid, RegistryUnavailable."""
    shelf = open_shelf(
        settings.model_store_url or f"file:{Path('var/models').resolve()}",
        endpoint=settings.model_store_endpoint,
        region=settings.model_store_region,
        access_key_id=settings.model_store_access_key_id,
        secret_access_key=settings.model_store_secret_access_key,
    )
    return Registry(shelf, read_trust(trusted))


def list_trusted(settings: ServingSettings) -> list[str]:
    """The keys that were named; else those beside this machine's signing key, once it has one."""
    if settings.model_trusted_keys:
        return settings.model_trusted_keys.split(",")
    path = settings.scoring_public_keys_file
    return path.read_text().split() if path is not None and path.is_file() else []


def limit_memory(size_mb: int) -> None:
    """Of what this process writes to; the runtime maps far more than it touches."""
    size_bytes = size_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (size_bytes, size_bytes))


async def serve(settings: ServingSettings, *, socket: Path, registry: CollectorRegistry) -> None:
    serving = Serving(settings, registry=registry)
    door = PartDoor(
        port=settings.scoring_port,
        registry=registry,
        degraded=serving.list_degraded,
        commit=settings.commit,
        bind=settings.metrics_bind,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(serving.run(socket, stop=stop))
    door.open()
    try:
        await running
    finally:
        door.close()


def main() -> None:
    try:
        settings = load(ServingSettings)
        log.configure(process="scoring", level=settings.log_level)
        limit_memory(settings.scoring_memory_mb)
        if settings.scoring_socket is None:
            raise Invalid(
                Text(ja="HRX_SCORING_SOCKET がありません", en="HRX_SCORING_SOCKET is not set"),
                code="settings.invalid",
            )
        asyncio.run(serve(settings, socket=settings.scoring_socket, registry=metrics.new_registry()))
    except HrxError as error:
        print(f"✗ {error.message.en}" + (f"\n  → {error.hint.en}" if error.hint else ""), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
