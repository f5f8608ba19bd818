"""The one way a numeric kernel is compiled here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

config: Any = numba.config
F = TypeVar("F", bound=Callable[..., Any])


def _cache_folder() -> Path:
    """Return a folder named after the sources of all kernels.

    Numba notices a change of a kernel's own file only, not of the kernels it calls in other files: an
    edited equation would go on being computed the old way.
    """
    package = Path(__file__).parent
    sources = ((p.name, p.read_bytes()) for p in sorted(package.rglob("*.py")))
    # plan.py has no kernel but the columns and tables of all of them.
    digest = hashlib.sha256(b"".join(s for name, s in sources if b"@kernel" in s or name == "plan.py")).hexdigest()
    return Path(config.CACHE_DIR or package / "__pycache__") / f"kernels-{digest[:12]}"


_FOLDER = _cache_folder()
if os.access(_FOLDER.parent if _FOLDER.parent.exists() else _FOLDER.parent.parent, os.W_OK):
    config.CACHE_DIR = str(_FOLDER)


def kernel(function: F) -> F:
    """Compile `function`: releases the GIL (threads share the work), kept on disk, IEEE arithmetic as written.

    Threads come from an executor and not from numba: its portable threading layer aborts the process
    when two requests enter it at once.
    """
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(function))
