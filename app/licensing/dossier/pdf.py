"""The document as PDF, and its drawing as PNG, through Typst: words pass as data and are never read as markup."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import typst

from app.licensing.dossier.document import Block, Document

_TEMPLATE = Path(__file__).with_name("sheet.typ")
_PICTURE = b'#set page(width: auto, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'


def to_pdf(document: Document) -> bytes:
    """Return the PDF; the same document gives the same bytes."""
    return _compile(_TEMPLATE.read_bytes(), "pdf", {"data": json.dumps(plain(document), ensure_ascii=False)})


def to_png(svg: str, ppi: float = 150) -> bytes:
    """Return a drawing as PNG, one point of it 1/72 inch."""
    return _compile(_PICTURE, "png", {"svg": svg}, ppi=ppi)


def plain(document: Document) -> dict[str, Any]:
    """Return the document as JSON; every block names its kind."""
    found = asdict(document)
    found["blocks"] = [_block(block) for block in document.blocks]
    return found


def _block(block: Block) -> dict[str, Any]:
    found = asdict(block) | {"kind": type(block).__name__.lower()}
    if "numeric" in found:
        found["numeric"] = sorted(found["numeric"])
    return found


def _compile(source: bytes, kind: Literal["pdf", "png"], inputs: dict[str, str], ppi: float | None = None) -> bytes:
    # Its own fonts only: what it makes does not depend on the machine.
    return typst.compile(source, format=kind, sys_inputs=inputs, ignore_system_fonts=True, ppi=ppi)
