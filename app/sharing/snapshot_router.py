"""Frozen sharing ratios over HTTP: the department's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from app.accounts.access import DbSession, WritingSession
from app.accounts.roles import DEPARTMENT, allow
from app.kit.page import MAX_ID, today
from app.sharing import snapshots
from app.sharing.models import SharingSnapshot
from app.sharing.snapshot_schemas import SnapshotDetail, SnapshotOrder, Snapshots, SnapshotsQuestion, Verification

router = APIRouter(prefix="/api/sharing/snapshots", tags=["sharing"])
Number = Annotated[int, Path(ge=1, le=MAX_ID, description="Number of the snapshot")]


@router.get("", openapi_extra=allow(*DEPARTMENT), response_model=Snapshots)
def listed(session: DbSession, asked: Annotated[SnapshotsQuestion, Query()]) -> dict[str, Any]:
    """Frozen ratios, newest first, without their figures."""
    found, matched = snapshots.snapshots(session, asked.limit, asked.offset)
    return {"snapshots": [snapshots.summary(s) for s in found], "matched": matched}


@router.post("", status_code=201, openapi_extra=allow(*DEPARTMENT), response_model=SnapshotDetail)
def freeze(session: WritingSession, order: SnapshotOrder) -> dict[str, Any]:
    """Freeze all ratios of a date as known now; nobody can change or delete a snapshot."""
    return _whole(snapshots.freeze(session, order.as_of or today(), order.label))


@router.get("/{snapshot_id}", openapi_extra=allow(*DEPARTMENT), response_model=SnapshotDetail)
def one(session: DbSession, snapshot_id: Number) -> dict[str, Any]:
    """One snapshot with every figure: the province, its communes and the operators."""
    return _whole(snapshots.snapshot(session, snapshot_id))


@router.get("/{snapshot_id}/verify", openapi_extra=allow(*DEPARTMENT), response_model=Verification)
def verify(session: DbSession, snapshot_id: Number) -> dict[str, Any]:
    """Compute a snapshot again as the registry knew it then, and say what differs."""
    return snapshots.verify(session, snapshot_id)


def _whole(kept: SharingSnapshot) -> dict[str, Any]:
    return snapshots.summary(kept) | {"inputs": kept.inputs, "results": kept.results}
