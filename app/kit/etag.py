"""Versions of an object: an ETag of its content, and a change only to the version the caller has read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from app.errors import ConditionMissing, Outdated


def etag_of(content: Mapping[str, Any]) -> str:
    """Return the strong ETag of an object's content, whatever order its members stand in."""
    plain = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return f'"{hashlib.blake2b(plain.encode(), digest_size=16).hexdigest()}"'


def check_match(if_match: str | None, current: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a change to a version that is not, or no longer, the current one.

    Parameters
    ----------
    if_match : str or None
        Header of the request; weak tags never match (RFC 9110 §13.1.1), `*` does.
    wanted : mapping
        What the caller would have the object be, shown beside what it is.

    Raises
    ------
    ConditionMissing
        Without the header, 428.
    Outdated
        412; `current` and `wanted` are both in the body, and the current ETag.
    """
    if if_match is None:
        raise ConditionMissing(
            "if_match_required",
            "Hãy gửi If-Match với ETag của bản đã đọc",
            "Send If-Match with the ETag of the version you have read",
            field="If-Match",
        )
    etag = etag_of(current)
    if if_match.strip() == "*" or etag in (part.strip() for part in if_match.split(",")):
        return
    raise Outdated(
        "changed_meanwhile",
        "Đối tượng đã bị người khác sửa; hãy so sánh hai phiên bản rồi sửa lại",
        "Somebody changed the object meanwhile; compare both versions and change it again",
        current=_plain(current), wanted=_plain(wanted), etag=etag,
    )  # fmt: skip


def _plain(content: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(content, default=str))
