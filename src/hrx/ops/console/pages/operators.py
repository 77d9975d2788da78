"""Operators: who may do what here. Everybody sees the list; administrators change it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Response

from hrx.kit.errors import Conflict, Invalid, Text
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.operators.accounts import (
    create_operator,
    disable_operator,
    enable_operator,
    list_operators,
    set_role,
)
from hrx.ops.operators.roles import Permission, Role

router: Final = APIRouter()
Admin = Annotated[Visit, Depends(needs_form(Permission.MANAGE_OPERATORS))]


@router.get("/operators")
def show_operators(visit: Annotated[Visit, Depends(needs(Permission.LOOK))]) -> Response:
    return _page(visit, error=None)


@router.post("/operators")
def add(
    visit: Admin,
    name: Annotated[str, Form(max_length=100)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    try:
        create_operator(
            visit.desk.ledger, name.strip(), role=_role(role), password=password, by=visit.actor.name
        )
    except (Invalid, Conflict) as error:
        return _page(visit, error=error)
    return go("/operators")


@router.post("/operators/{name}/role")
def change_role(visit: Admin, name: str, role: Annotated[str, Form(max_length=20)] = "") -> Response:
    set_role(visit.desk.ledger, name, role=_role(role), by=visit.actor.name)
    return go("/operators")


@router.post("/operators/{name}/disable")
def disable(visit: Admin, name: str, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    disable_operator(visit.desk.ledger, name, by=visit.actor.name, reason=reason.strip())
    return go("/operators")


@router.post("/operators/{name}/enable")
def enable(visit: Admin, name: str) -> Response:
    enable_operator(visit.desk.ledger, name, by=visit.actor.name)
    return go("/operators")


def _role(value: str) -> Role:
    if value not in {role.value for role in Role}:
        raise Invalid(Text(ja="権限を選んでください", en="Choose a role"), code="operator.no_role")
    return Role(value)


def _page(visit: Visit, *, error: Invalid | Conflict | None) -> Response:
    return visit.page(
        "operators.html",
        status=422 if error else 200,
        operators=list_operators(visit.desk.ledger),
        roles=[role.value for role in Role],
        error=error,
    )
