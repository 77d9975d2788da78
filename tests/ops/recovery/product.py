"""Databases with the product's real schema and a few people of two tenants, and copies of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.conftest import PostgresServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One database. `admin`: superuser, `restore`: the role that brings rows back, `app`: the application."""

    name: str
    admin: str
    restore: str
    app: str

    # `object`: columns differ in type.
    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def do(self, *statements: str) -> None:
        for statement in statements:
            self.ask(statement)


#: Of one tenant, with its id for {t}.
PEOPLE = """
SELECT set_config('hrx.tenant_id', '{t}', false), set_config('hrx.roles', 'system', false);
SELECT app.new_moment();
INSERT INTO app.person
  (id, tenant_id, employee_number, family_kanji, given_kanji, work_email, search_text, kana_key)
SELECT {t} * 100 + n, {t}, 'E' || n, '山田', '太郎' || n, 'p' || n || '@t{t}.example', '山田太郎' || n, 'や'
FROM generate_series(1, 20) AS n;
INSERT INTO app.person_private (person_id, tenant_id, birth_on, personal_email, personal_phone, city)
SELECT id, {t}, '1990-01-01', 'home' || id || '@mail.example', '090-0000-' || id, '東京'
FROM app.person WHERE tenant_id = {t};
INSERT INTO app.person_version
  (tenant_id, person_id, family_kanji, given_kanji, work_email, kana_key, valid)
SELECT {t}, id, family_kanji, given_kanji, work_email, kana_key, '(,)' FROM app.person WHERE tenant_id = {t};
INSERT INTO app.employment (tenant_id, person_id) SELECT {t}, id FROM app.person WHERE tenant_id = {t};
INSERT INTO app.employment_version (tenant_id, employment_id, person_id, employed)
SELECT {t}, id, person_id, '[2020-04-01,)' FROM app.employment WHERE tenant_id = {t};
INSERT INTO app.org_unit (tenant_id, code) VALUES ({t}, 'HQ');
INSERT INTO app.org_unit_version (tenant_id, org_unit_id, name_ja, valid)
SELECT {t}, id, '本社', '[2000-01-01,)' FROM app.org_unit WHERE tenant_id = {t};
INSERT INTO app.assignment (tenant_id, employment_id, person_id, kind, org_unit_id, valid)
SELECT {t}, e.id, e.person_id, 'primary', u.id, '[2020-04-01,)'
FROM app.employment AS e JOIN app.org_unit AS u ON u.tenant_id = e.tenant_id WHERE e.tenant_id = {t};
INSERT INTO app.assignment_terms (assignment_id, tenant_id, person_id, valid, grade)
SELECT id, {t}, person_id, valid, 'G3' FROM app.assignment WHERE tenant_id = {t};
INSERT INTO app.user_account (tenant_id, email, display_name, person_id)
SELECT {t}, work_email, family_kanji || given_kanji, id FROM app.person WHERE tenant_id = {t};
INSERT INTO app.user_role (tenant_id, user_id, role)
SELECT {t}, id, 'owner' FROM app.user_account WHERE tenant_id = {t};
INSERT INTO app.audit_entry (tenant_id, action) SELECT {t}, 'person.hired' FROM generate_series(1, 20);
SELECT app.seal_audit({t}, 1000);
SELECT setval('app.person_id_seq', 1000);
"""


@contextmanager
def product_database(postgres: PostgresServer) -> Iterator[Product]:
    """A database with 20 people in each of two tenants; person N of tenant T has id T * 100 + N."""
    name = f"product_{secrets.token_hex(4)}"
    server = postgres.create_migrated_database(name)
    product = _at(name, admin=postgres.admin_url, server=server)
    for tenant in (1, 2):
        product.do(f"SELECT app.create_tenant('t{tenant}', '会社 {tenant}', 'Asia/Tokyo', 'ja')")
        # One transaction: its checks run at the end of it.
        product.do(PEOPLE.format(t=tenant))
    try:
        yield product
    finally:
        drop(postgres, name)


@contextmanager
def copied(postgres: PostgresServer, product: Product) -> Iterator[Product]:
    """The same to the byte, as a restored copy would be."""
    name = f"copy_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {product.name}".encode())
    try:
        yield Product(
            name=name,
            **{
                role: getattr(product, role).replace(product.name, name)
                for role in ("admin", "restore", "app")
            },
        )
    finally:
        drop(postgres, name)


def _at(name: str, *, admin: str, server: PostgresServer) -> Product:
    return Product(
        name=name,
        admin=f"{admin.rsplit('/', 1)[0]}/{name}",
        restore=server.restore_url,
        app=server.app_url,
    )


def drop(postgres: PostgresServer, name: str) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
