"""Which kinds of work there are, and asking for one: with the rest of the asker's transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

Run = TypeVar("Run", bound=Callable[..., dict[str, Any]])
KINDS: dict[str, Callable[..., dict[str, Any]]] = {}
"""What each kind of work runs; filled by importing the modules that define them."""
_ASK = text("SELECT jobs.ask(:kind, :args)").bindparams(bindparam("args", type_=JSONB))


def work(kind: str) -> Callable[[Run], Run]:
    """Register the function that does work of a kind.

    It is called in a thread as ``run(job, **args)`` with the `app.jobs.Job` and what was deferred, and returns what
    becomes the result: a dict that can be JSON. It may be called again from the beginning after its worker died or
    was stopped, so it has to be resumable; it reports by `Job.progress`, where it also learns that it shall end.
    What it raises of `AppError` is told to the asker; anything else is logged, and the asker told that it was ours.

    Parameters
    ----------
    kind : str
        Lower-case name, also of its queue: a worker takes only the kinds it knows.
    """

    def registered(run: Run) -> Run:
        known = KINDS.setdefault(kind, run)
        if known is not run and (known.__module__, known.__qualname__) != (run.__module__, run.__qualname__):
            raise ValueError(f"work of the kind {kind!r} is done by {known.__module__}.{known.__qualname__} already")
        return run

    return registered


def defer(session: Session, kind: str, args: Mapping[str, Any]) -> int:
    """Ask for work in the session's transaction, in the name and with the rights of its caller.

    Rolled back, nothing was asked for; committed, some worker takes it at once.

    Parameters
    ----------
    kind : str
        A registered kind.
    args : mapping
        Keyword arguments of its function, as JSON knows them: a date goes as its ISO text.

    Returns
    -------
    int
        Number of the job, for `app.jobs.queries` and /api/jobs/{id}.

    Raises
    ------
    LookupError
        No module defines that kind here.
    sqlalchemy.exc.DBAPIError
        The caller is the public; `app.database.translated` makes `not_yours` of it.
    """
    if kind not in KINDS:
        raise LookupError(f"no work of the kind {kind!r} is registered")
    return int(session.execute(_ASK, {"kind": kind, "args": dict(args)}).scalar_one())
