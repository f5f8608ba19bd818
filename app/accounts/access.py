"""Who calls a route: no session without an answer to that, and none for a caller the route does not name."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.database import PUBLIC, enter, open_session


def request_session(request: Request, session: Annotated[Session, Depends(open_session)]) -> Session:
    """Return the request's transaction in the scope of its caller; it ends after the answer is sent."""
    return _entered(request, session)


def writing_session(request: Request, session: Annotated[Session, Depends(open_session, scope="function")]) -> Session:
    """Return the same, committed before the answer is sent: what was not kept is not said to be."""
    return _entered(request, session)


def _entered(request: Request, session: Session) -> Session:
    enter(session, PUBLIC)
    return session


DbSession = Annotated[Session, Depends(request_session)]
WritingSession = Annotated[Session, Depends(writing_session, scope="function")]
