"""The doors of identity."""

from fastapi import APIRouter

from hrx.app.identity.routes import account, auth, oidc, trail, users

router = APIRouter()
for _part in (auth, oidc, account, users, trail):
    router.include_router(_part.router)
