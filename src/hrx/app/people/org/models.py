"""The org tables are declared in `employees.models`, for assignments are read together with them."""

from hrx.app.people.employees.models import ORG_UNIT, ORG_UNIT_VERSION, POSITION, POSITION_VERSION

__all__ = ["ORG_UNIT", "ORG_UNIT_VERSION", "POSITION", "POSITION_VERSION"]
