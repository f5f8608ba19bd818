"""Files of every kind, good and hostile, made when they are needed."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import ezdxf
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject


def pdf(pages: int = 1, **more: Any) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    for change in more.values():
        change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def launching(writer: PdfWriter) -> None:
    action = DictionaryObject({NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("x.exe")})
    writer.root_object[NameObject("/OpenAction")] = action


def scripted(writer: PdfWriter) -> None:
    action = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("1")})
    writer.pages[0][NameObject("/AA")] = DictionaryObject({NameObject("/O"): writer._add_object(action)})


def with_action(action: bytes, generation: int = 0) -> bytes:
    """Return a PDF that does `action` when it is opened, as an object of that generation."""
    bodies = (
        (0, b"<</Type/Catalog/Pages 2 0 R/OpenAction 4 %d R>>" % generation),
        (0, b"<</Type/Pages/Kids[3 0 R]/Count 1>>"), (0, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"),
        (generation, action),
    )  # fmt: skip
    out, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for number, (of, body) in enumerate(bodies, 1):
        table += b"%010d %05d n \n" % (len(out), of)
        out += b"%d %d obj\n%s\nendobj\n" % (number, of, body)
    return out + b"xref\n0 5\n%strailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (table, len(out))


def zipped_pdf() -> bytes:
    """Return a PDF behind which a program is packed; the archive's comment ends it as a PDF does."""
    content = pdf()
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("x.exe", "MZ")
        archive.comment = b"\nstartxref\n%s\n%%%%EOF" % content.split(b"startxref")[-1].split()[0]
    return out.getvalue()


def bomb_pdf(megabytes: int = 400) -> bytes:
    """A PDF whose table of objects unpacks to that much."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()
    head = b"%PDF-1.5\n1 0 obj\n<</Type/XRef/Size 2/W[1 2 1]/Root 1 0 R/Filter/FlateDecode/Length "
    return head + f"{len(packed)}".encode() + b">>\nstream\n" + packed + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"


def looping_pdf() -> bytes:
    """A tree of pages that holds itself."""
    return (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
        b"2 0 obj\n<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2000000000>>\nendobj\n"
        b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
        b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n116\n%%EOF\n"
    )


def jpg(width: int = 40, height: int = 30) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (10, 120, 200)).save(out, "JPEG")
    return out.getvalue()


def huge_jpg() -> bytes:
    """A small picture whose header claims 60,000 by 60,000 pixels."""
    content = bytearray(jpg())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = (60_000).to_bytes(2, "big") * 2
    return bytes(content)


def dxf(entities: int = 3) -> bytes:
    drawing = ezdxf.new("R2010")  # type: ignore[attr-defined]
    for i in range(entities):
        drawing.modelspace().add_line((0, i), (1, i))
    out = io.StringIO()
    drawing.write(out)
    return out.getvalue().encode()


def long_dxf(entities: int) -> bytes:
    line = b"0\nLINE\n8\n0\n10\n0\n20\n0\n11\n1\n21\n1\n"
    return b"0\nSECTION\n2\nENTITIES\n" + line * entities + b"0\nENDSEC\n0\nEOF\n"
