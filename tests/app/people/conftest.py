"""A company in a tenant of its own, for each test."""

from __future__ import annotations

import pytest

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId
from tests.app.people.company import Company


@pytest.fixture
def company(database: Database, tenant: TenantId) -> Company:
    """An empty company."""
    return Company(database=database, tenant_id=tenant)
