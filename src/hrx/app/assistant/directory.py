"""The names of a tenant's people, for masking what leaves; read again every few minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hrx.app.gateway.masking import PersonName
from hrx.app.people.employees.queries.names import list_name_pairs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal, TenantId, system_principal
from hrx.kit import clock

#: A name that is newer passes unmasked for so long.
_KEPT_S: Final = 300.0
_MOST_TENANTS: Final = 32


class NameDirectory:
    """Callable as the gateway wants it. Everybody's names, whoever asks: a document may name anybody."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[TenantId, tuple[float, Sequence[PersonName]]] = {}

    async def __call__(self, principal: Principal) -> Sequence[PersonName]:
        kept = self._kept.get(principal.tenant_id)
        if kept is not None and clock.monotonic_s() - kept[0] < _KEPT_S:
            return kept[1]
        async with self._database.transaction(system_principal(principal.tenant_id)) as session:
            pairs = await list_name_pairs(session)
        names = [PersonName(family=family, given=given) for family, given in pairs]
        if len(self._kept) >= _MOST_TENANTS:
            del self._kept[min(self._kept, key=lambda one: self._kept[one][0])]
        self._kept[principal.tenant_id] = (clock.monotonic_s(), names)
        return names
