"""One served province for the tests of this package that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import create_database, test_cluster, use_database
from tests.publish.ogc.serving import Service, serving


@pytest.fixture(scope="module")
def service(worker_id: str, worker_database: str) -> Iterator[Service]:
    """A real server of its own database."""
    name = f"hatang_ogc_{worker_id}"
    create_database(name)
    use_database(name)
    try:
        with serving() as found:
            yield found
    finally:
        use_database(worker_database)
        test_cluster().drop_database(name)
