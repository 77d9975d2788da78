"""The gateway as the settings want it: which models, where, with which keys, at what price."""

from __future__ import annotations

from collections.abc import Iterable

from hrx.app.gateway.door import Directory, Gateway
from hrx.app.gateway.embedding import limits_of
from hrx.app.gateway.ledger import Ledger
from hrx.app.gateway.prices import SHIPPED, read_prices
from hrx.app.gateway.targets import Clocks, Endpoint, Route, Target, endpoints_with_keys, parse_targets
from hrx.app.gateway.vendors.adapter import Vendor
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.db import Database
from hrx.app.settings import AppSettings
from hrx.kit import clock
from hrx.kit.secrets import newest


def build_gateway(
    settings: AppSettings,
    *,
    database: Database,
    figures: AiFigures,
    directory: Directory | None = None,
    embedding_models: Iterable[str] = (),
) -> Gateway:
    """The gateway as the settings want it. `embedding_models`: those that make vectors, as `vendor:model`.

    Raises Invalid for models that cannot be read, have no price, or make no vectors."""
    return Gateway(
        chat=_read_route(settings, settings.llm_targets),
        embedding=_read_embedding_routes(settings, embedding_models),
        ledger=Ledger(database),
        figures=figures,
        directory=directory,
    )


def _read_route(settings: AppSettings, named: str) -> Route | None:
    """The models named whose vendor has a key; None when there is none."""
    endpoints = endpoints_with_keys(_endpoints(settings))
    prices = read_prices(settings.llm_prices_file or SHIPPED)
    clocks = Clocks(
        connect_s=settings.llm_connect_timeout_s,
        first_token_s=settings.llm_first_token_timeout_s,
        idle_s=settings.llm_idle_timeout_s,
        answer_s=settings.llm_answer_timeout_s,
        call_s=settings.llm_call_timeout_s,
    )
    targets = tuple(
        Target(
            vendor=vendor,
            model=model,
            endpoint=endpoints[vendor],
            clocks=clocks,
            price=prices.get(vendor.value, model, on=clock.now().date()),
        )
        for vendor, model in parse_targets(named)
        if vendor in endpoints
    )
    if not targets:
        return None
    return Route(targets=targets, laps=settings.llm_laps, hedge_s=settings.llm_hedge_s or None)


def _read_embedding_routes(settings: AppSettings, models: Iterable[str]) -> dict[str, Route]:
    """By model; one whose vendor has no key is not among them. Each is alone in its route."""
    routes = {}
    for model in models:
        found = _read_route(settings, model)
        if found is not None:
            routes[model] = found
            limits_of(found)
    return routes


def _endpoints(settings: AppSettings) -> dict[Vendor, Endpoint]:
    given = {
        Vendor.OPENAI: (settings.openai_url, settings.openai_api_key),
        Vendor.ANTHROPIC: (settings.anthropic_url, settings.anthropic_api_key),
        Vendor.GOOGLE: (f"{settings.google_url}/v1beta", settings.google_api_key),
        Vendor.COMPATIBLE: (settings.llm_url or "", settings.llm_api_key),
    }
    return {
        vendor: Endpoint(base_url=url.rstrip("/"), key=newest(key.get_secret_value()) if key else "")
        for vendor, (url, key) in given.items()
    }
