"""A fresh tenant's library."""

from __future__ import annotations

import pytest

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import TenantId
from tests.app.assistant.library import Library


@pytest.fixture
def library(database: Database, tenant: TenantId) -> Library:
    return Library(database=database, tenant_id=tenant)
