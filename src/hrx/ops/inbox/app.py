"""The inbox as an ASGI application: the doors, and the page that shows what came through them."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from hrx.ops.inbox import doors, viewer
from hrx.ops.inbox.box import Box
from hrx.ops.settings import OpsSettings

HERE = Path(__file__).parent


def build_inbox(settings: OpsSettings, box: Box) -> FastAPI:
    """The inbox over a box."""
    app = FastAPI(title="HRX-AI inbox", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.box = box
    app.state.settings = settings
    token, secret = settings.slack_bot_token, settings.webhook_secret
    app.state.slack_token = token.get_secret_value() if token else None
    app.state.webhook_secret = secret.get_secret_value() if secret else None
    app.include_router(doors.router)
    app.include_router(viewer.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    # The same libraries as the console's, from the same file.
    app.mount("/shared", StaticFiles(directory=HERE.parent / "console" / "static"), name="shared")
    return app
