"""Whether bytes are the PDF, JPG or DXF they have to be, by their content alone. Pure: bytes and limits in.

Names and Content-Type are never asked. A file that is two things at once (a picture with a document behind it) is
refused, and so is whatever acts when it is opened: scripts, launches, files within files. Sizes and counts are bounded
before anything is parsed; streams of a PDF are not unpacked but for the tables of objects the parser itself needs,
which pypdf bounds. Time and memory are bounded by `app.licensing.applications.apart`, which runs this in another
process.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.errors import Invalid
from app.kit.text import thousands_vi

_ACTS = frozenset({"/JavaScript", "/JS", "/OnInstantiate", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/EF",
                   "/RichMedia", "/Rendition", "/XFA", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR", "/Movie",
                   "/Sound"})  # fmt: skip
_ENTITY = re.compile(rb"(?m)^[ \t]*0[ \t]*\r?$")
_DXF = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:[ \t]*999\r?\n[^\n]*\n)*[ \t]*0[ \t]*\r?\n[ \t]*SECTION[ \t]*\r?\n")
_PDF_END = re.compile(rb"%%EOF[\s\x00]*\Z")
_MAX_DEPTH = 60


@dataclass(frozen=True)
class Limits:
    """What a file may hold."""

    max_pages: int
    max_pixels: int
    max_entities: int
    max_objects: int


@dataclass(frozen=True)
class Inspected:
    """What a file is: its kind, and how many pages, pixels or entities it has."""

    kind: str
    count: int


def inspect(content: bytes, limits: Limits) -> Inspected:
    """Return what the file is.

    Raises
    ------
    Invalid
        `empty_file`, `unknown_file_kind`, `broken_file`, `file_over_limits` (too many pages, pixels, entities or
        objects), `active_content`, `encrypted_file`, `two_files_in_one`.
    """
    if not content:
        raise _invalid("empty_file", "Tệp rỗng", "The file is empty")
    if content.startswith(b"%PDF-"):
        return _pdf(content, limits)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpg(content, limits)
    if _DXF.match(content[:4096]):
        return _dxf(content, limits)
    raise _invalid(
        "unknown_file_kind",
        "Nội dung tệp không phải PDF, JPG hoặc DXF dạng văn bản",
        "The content is no PDF, JPG or text DXF",
    )


def _pdf(content: bytes, limits: Limits) -> Inspected:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError
    from pypdf.generic import IndirectObject

    if not _PDF_END.search(content[-2048:]):
        raise _broken("PDF", "%%EOF")
    _refuse_archive(content)
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise _invalid("encrypted_file", "Tệp PDF có mật khẩu hoặc bị mã hoá", "The PDF is encrypted")
        # An object is known by its number and its generation; those in streams are of generation 0.
        names = {(n, g) for g, table in reader.xref.items() for n in table} | {(n, 0) for n in reader.xref_objStm}
        _within("objects", len(names), limits.max_objects)
        _refuse_acting((reader.get_object(IndirectObject(n, g, reader)) for n, g in sorted(names)), limits.max_objects)
        _refuse_acting([reader.trailer], limits.max_objects)
        pages = len(reader.pages)
    except Invalid:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError,
            AssertionError, NotImplementedError, OSError) as error:  # fmt: skip
        raise _broken("PDF", type(error).__name__) from error
    if pages == 0:
        raise _broken("PDF", "0 pages")
    _within("pages", pages, limits.max_pages)
    return Inspected("pdf", pages)


def _refuse_acting(objects: Iterable[Any], most: int) -> None:
    """Refuse what acts anywhere in objects, references not followed: each is looked at once, by its number."""
    seen = 0
    for found in objects:
        waiting = [(found, 0)]
        while waiting:
            thing, depth = waiting.pop()
            seen += 1
            _within("objects", seen, 50 * most)
            if depth > _MAX_DEPTH:
                raise _broken("PDF", "nesting")
            if isinstance(thing, dict):
                names = {str(k) for k in thing} | {str(dict.__getitem__(thing, k)) for k in ("/S", "/Type", "/Subtype")
                                                   if k in thing}  # fmt: skip
                acting = sorted(names & _ACTS)
                if acting:
                    raise _invalid(
                        "active_content",
                        f"Tệp PDF chứa thành phần tự chạy hoặc tệp nhúng ({acting[0]}); hãy in lại thành PDF thường",
                        f"The PDF has active or embedded content ({acting[0]}); print it to a plain PDF",
                    )
                waiting += [(dict.__getitem__(thing, k), depth + 1) for k in thing]
            elif isinstance(thing, list):
                waiting += [(item, depth + 1) for item in list.__iter__(thing)]


def _jpg(content: bytes, limits: Limits) -> Inspected:
    from PIL import Image

    body = content.rstrip(b"\x00\r\n ")
    if not body.endswith(b"\xff\xd9"):
        raise _broken("JPG", "end of image")
    if b"%PDF-" in content[:4096]:
        raise _two_in_one()
    _refuse_archive(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
                pixels = picture.width * picture.height
                _within("pixels", pixels, limits.max_pixels)
                picture.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_many("pixels", limits.max_pixels) from error
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError) as error:
        raise _broken("JPG", type(error).__name__) from error
    return Inspected("jpg", pixels)


def _dxf(content: bytes, limits: Limits) -> Inspected:
    from ezdxf.filemanagement import read
    from ezdxf.lldxf.const import DXFError

    if b"\x00" in content:
        raise _broken("DXF", "NUL")
    # Group code 0 begins every entity, table entry and section: counted before anything is built.
    _within("entities", sum(1 for _ in _ENTITY.finditer(content)), limits.max_entities)
    text = content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    if not text.rstrip().endswith("EOF"):
        raise _broken("DXF", "EOF")
    try:
        drawing = read(io.StringIO(text))
        entities = len(drawing.modelspace())
    except (DXFError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        raise _broken("DXF", type(error).__name__) from error
    return Inspected("dxf", entities)


def _refuse_archive(content: bytes) -> None:
    """Refuse what can be unpacked as well: an archive is read from its end, whatever stands before it."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise _two_in_one()


def _two_in_one() -> Invalid:
    return _invalid("two_files_in_one", "Tệp này đồng thời là một tệp loại khác", "The file is one of another kind too")


def _within(what: str, count: int, most: int) -> None:
    if count > most:
        raise _too_many(what, most)


def _too_many(what: str, most: int) -> Invalid:
    vi = {"pages": "trang", "pixels": "điểm ảnh", "entities": "đối tượng", "objects": "thành phần"}[what]
    return Invalid("file_over_limits", f"Tệp có quá {thousands_vi(most)} {vi}",
                   f"The file has more than {most:,} {what}",
                   field="body", what=what, most=most)  # fmt: skip


def _broken(kind: str, why: str) -> Invalid:
    return _invalid("broken_file", f"Tệp {kind} hỏng hoặc thiếu ({why})", f"The {kind} is broken or cut ({why})")


def _invalid(code: str, vi: str, en: str) -> Invalid:
    return Invalid(code, vi, en, field="body")
