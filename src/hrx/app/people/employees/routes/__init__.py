"""The doors of people: pages and orders about employees, under /people and /change-orders."""

from fastapi import APIRouter

from hrx.app.people.employees.routes import orders, pages, records

router = APIRouter()
for part in (pages, records, orders):
    router.include_router(part.router)

__all__ = ["router"]
