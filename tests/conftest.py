"""Fixtures of more than one package's tests."""

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Before anything of ours is imported: neither the suite's processes nor those that tests start
# need compile it anew each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from storage import schema  # noqa: E402  # see above
from tests import databases, postgres  # noqa: E402  # see above
from tests.secret_watch import watching  # noqa: E402  # see above

databases.compile_once()
# A machine that is slow, or was stopped for a moment, proves nothing about what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
gc.set_threshold(10_000, 20, 50)  # collect seldom: a tenth of the suite's time


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """``-n auto``: one more than there are cores, because many tests wait for processes."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def no_secret_is_logged() -> Iterator[None]:
    """CHECKS 23: whatever a test does, at DEBUG, nothing of ours logs a secret."""
    with watching() as found:
        yield
    assert not found, found


@pytest.fixture(scope="session")
def postgres_server() -> str:
    return postgres.server()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """A migrated database that the tests' databases are copied from."""
    with postgres.database(postgres_server) as url:
        schema.upgrade(url)
        yield postgres.name_of(url)


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database with the present schema; mark such a test ``postgres``."""
    with postgres.database(postgres_server, template=postgres_template) as url:
        yield url
