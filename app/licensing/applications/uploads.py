"""Documents handed in: examined by their content, kept with their hash, handed out as attachments."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any
from urllib.parse import quote

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Conflict, Forbidden, Invalid
from app.kit.asgi import TooLarge
from app.kit.text import thousands_vi
from app.licensing.applications import apart, queries, rules, told
from app.licensing.applications.models import Document, DocumentContent
from app.licensing.applications.states import ENDED

MEDIA_TYPES = {"pdf": "application/pdf", "jpg": "image/jpeg", "dxf": "image/vnd.dxf"}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Of a name: control characters, parts of a path, and marks that turn the direction of writing around."""


def add(session: Session, application_id: int, name: str, content: bytes) -> dict[str, Any]:
    """Keep a document, whose kind its content says.

    Raises
    ------
    NotFound
        `unknown_application`.
    Forbidden
        `not_this_party`.
    TooLarge
        `too_large`: the file, or all of the application together.
    Conflict
        `has_ended`, `same_document`.
    Invalid
        `unsafe_name`, and what `inspection.inspect` refuses.
    """
    name = safe_name(name)
    if queries.application(session, application_id).state in ENDED:
        raise Conflict("has_ended", "Hồ sơ đã kết thúc, không nhận tài liệu", "The application has ended")
    limits = rules.rule(session, "application_document", "limits", rules.DocumentLimits)
    _check_size(len(content), limits.max_bytes)
    if not told.parties(session, queries.application(session, application_id).applicant_id):
        raise Forbidden("not_this_party", "Chỉ người nộp hồ sơ và cơ quan quản lý thêm tài liệu",
                        "Documents are added by the applicant and the department")  # fmt: skip
    digest = hashlib.sha256(content).digest()
    # Two uploads at once wait here, so that neither slips past the limit of the application.
    row = queries.application(session, application_id, lock=True)
    if session.scalar(select(Document.id).where(Document.application_id == row.id, Document.sha256 == digest)):
        raise Conflict("same_document", "Hồ sơ đã có tài liệu này", "The application has this document already")
    before = session.scalar(select(func.sum(Document.size_bytes)).where(Document.application_id == row.id)) or 0
    _check_size(int(before) + len(content), limits.max_bytes_application)
    found = apart.examine(content, limits.of_file(), limits.seconds)
    made = Document(application_id=row.id, name=name, kind=found.kind, size_bytes=len(content), sha256=digest)
    session.add(made)
    session.flush()
    session.add(DocumentContent(document_id=made.id, content=content))
    session.flush()
    session.refresh(made)
    return told.document(made, queries.who(session, [made.uploaded_by]))


def read(session: Session, application_id: int, document_id: int) -> tuple[Document, bytes]:
    """Return a document with its bytes.

    Raises
    ------
    NotFound
        `unknown_document`.
    """
    found = queries.document(session, application_id, document_id)
    return found, session.scalars(select(DocumentContent.content).where(DocumentContent.document_id == found.id)).one()


def headers(document: Document) -> dict[str, str]:
    """Return the headers under which a document is saved and never shown in place (RFC 6266, RFC 5987)."""
    plain = unicodedata.normalize("NFKD", document.name.replace("đ", "d").replace("Đ", "D"))
    ascii_name = re.sub(r"[^A-Za-z0-9._ -]", "", plain).strip(" .") or f"document-{document.id}"
    encoded = quote(document.name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "ETag": f'"{document.sha256.hex()}"',
        "Cache-Control": "private, no-cache",
    }


def safe_name(name: str) -> str:
    """Return a name in NFC without blanks around it.

    Raises
    ------
    Invalid
        `unsafe_name`.
    """
    told_name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(told_name) <= 200 or _UNSAFE.search(told_name) or not told_name.strip("."):
        raise Invalid(
            "unsafe_name",
            "Tên tài liệu dài 1–200 ký tự, không có ký tự điều khiển, dấu / hoặc \\",
            "A document's name has 1 to 200 characters, no control characters, no / or \\",
            field="name",
        )
    return told_name


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise too_large(most)


def too_large(most: int) -> TooLarge:
    """Return the refusal of more than `most` bytes."""
    return TooLarge("too_large", f"Tài liệu vượt quá {thousands_vi(most)} byte", f"Documents exceed {most:,} bytes",
                    field="body", limit_bytes=most)  # fmt: skip
