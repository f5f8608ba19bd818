"""Where blocks are computed: threads of this process, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from app.config import settings
from app.errors import Unavailable

CONNECT_S = 10


class Lent(NamedTuple):
    """An executor, and how to hand it what many of its jobs need."""

    executor: Executor
    share: Callable[..., Any]
    """Returns what stands for a value in the arguments of a job: on a cluster it is sent to each worker once, and stays
    there for the next jobs unless `once=True`."""


@contextmanager
def lent(workers: int) -> Iterator[Lent]:
    """Lend the executor of the settings: `workers` threads, or the cluster of HATANG_DASK_SCHEDULER.

    Raises
    ------
    Unavailable
        `dask_unreachable`: no scheduler answers at that address; `dask_missing`: Dask is not installed.
    """
    address = settings().dask_scheduler
    if address is None:
        with ThreadPoolExecutor(workers) as threads:
            yield Lent(threads, lambda value, once=False: value)
        return
    try:
        import distributed
    except ImportError as error:
        raise Unavailable("dask_missing", "Chưa cài Dask: pip install 'hatang[cluster]'",
                          "Dask is not installed: pip install 'hatang[cluster]'") from error  # fmt: skip
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise Unavailable(
            "dask_unreachable",
            f"Không kết nối được bộ điều phối Dask {address} (HATANG_DASK_SCHEDULER)",
            f"No Dask scheduler answers at {address} (HATANG_DASK_SCHEDULER)",
        ) from error
    sent: dict[int, tuple[Any, Any]] = {}

    def share(value: Any, once: bool = False) -> Any:
        if once:
            return client.scatter(value, broadcast=True)
        if id(value) not in sent:  # the value stays beside it: nothing else takes its id meanwhile
            sent[id(value)] = (value, client.scatter(value, broadcast=True))
        return sent[id(value)][1]

    with client, client.get_executor() as executor:
        yield Lent(executor, share)
