"""A PostgreSQL server for the tests that ask for one, and databases of their own on it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy.engine import make_url

SERVER = "PULLCORD_TEST_POSTGRES_URL"
REQUIRED = "PULLCORD_REQUIRE_POSTGRES"


def server() -> str:
    """The server's URL; skips the test where there is none, or fails it where one must be."""
    url = os.environ.get(SERVER, "")
    if not url and os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{SERVER} is not set, and {REQUIRED} asks for these tests")
    if not url:
        pytest.skip(f"no PostgreSQL server: {SERVER} is not set (.ci/postgres starts one)")
    return url


@contextmanager
def database(server_url: str, *, template: str = "template0") -> Iterator[str]:
    """A database of its own, by URL; gone at the end."""
    name = f"pullcord_test_{uuid.uuid4().hex}"
    _administer(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def name_of(url: str) -> str:
    """The name of the database of a URL."""
    return make_url(url).database or ""


def _administer(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
