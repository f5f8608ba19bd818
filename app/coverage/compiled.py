"""The one way a numeric kernel is compiled here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile `function`: releases the GIL (threads share the work), kept on disk, IEEE arithmetic as written.

    Threads come from an executor and not from numba: its portable threading layer aborts the process
    when two requests enter it at once.
    """
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(function))
