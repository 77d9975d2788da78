"""What holds a deploy, read from a real PostgreSQL as the watching role (R3.1-1)."""

from __future__ import annotations

import psycopg
import pytest

from hrx.ops.release.pipeline.calendar import Known
from hrx.ops.run.pipeline_facts import look_up_facts
from hrx.ops.run.plane import Plane

pytestmark = pytest.mark.req("R3.1-1")

_IMPORT = """
WITH t AS (INSERT INTO app.tenant (slug, name) VALUES ('pipeline-facts', 'Minato') RETURNING id)
INSERT INTO app.data_import (tenant_id, state, file_name, file_sha256, size_bytes, encoding, delimiter)
SELECT id, 'uploaded', 'people.csv', repeat('0', 64), 1, 'utf-8', ',' FROM t RETURNING id
"""


def known(plane: Plane) -> dict[str, Known]:
    return {one.id: one.known for one in look_up_facts(plane)}


def test_an_import_that_writes_holds_a_deploy_until_it_is_done(
    repairing: Plane, admin: psycopg.Connection
) -> None:
    # Tests of imports share this database, and leave some under way.
    admin.execute("UPDATE app.data_import SET state = 'failed' WHERE state IN ('checking', 'committing')")
    assert known(repairing) == {"import": Known.NO, "recovery": Known.NO, "effects": Known.NO}
    row = admin.execute(_IMPORT).fetchone()
    assert row is not None
    assert known(repairing)["import"] is Known.NO, "uploaded only"
    for state, expected in (("committing", Known.YES), ("failed", Known.NO)):
        admin.execute("UPDATE app.data_import SET state = %s WHERE id = %s", [state, row[0]])
        assert known(repairing)["import"] is expected
    admin.execute("DELETE FROM app.data_import WHERE id = %s", [row[0]])


def test_a_database_that_does_not_answer_is_not_known_to_be_quiet(plane: Plane) -> None:
    assert known(plane) == {"import": Known.UNKNOWN, "recovery": Known.NO, "effects": Known.UNKNOWN}
