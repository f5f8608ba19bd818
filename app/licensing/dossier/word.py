"""The document as Word: real styles, header and page numbers, table headers that repeat."""

from __future__ import annotations

import io
import re
from typing import Any

from docx import Document as new_document
from docx.document import Document as Word
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph as WordParagraph

from app.licensing.dossier.document import Bullets, Document, Heading, Paragraph, Picture, Table, Text
from app.licensing.dossier.pdf import to_png

FONT = "Times New Roman"
SYNTHETIC = "DỮ LIỆU GIẢ LẬP · SYNTHETIC"
_RED, _GREY = RGBColor(0xB7, 0x1C, 0x1C), RGBColor(0x5A, 0x5A, 0x5A)
_WIDTH_CM = 16.2
# XML has no word for these.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_word(document: Document) -> bytes:
    """Return the .docx."""
    word = new_document()
    _page(word, document)
    _heading(word, document)
    number = 0
    for block in document.blocks:
        match block:
            case Heading(text):
                number += 1
                _both(word.add_heading(level=1), text, document.english, f"{number}. ")
            case Paragraph(text, style):
                name = {"lead": "Intense Quote", "note": "Caption"}.get(style, "Normal")
                _both(word.add_paragraph(style=name), text, document.english)
            case Bullets(items):
                for item in items:
                    _both(word.add_paragraph(style="List Bullet"), item, document.english)
            case Table():
                _table(word, block, document.english)
            case Picture(svg, caption):
                word.add_picture(io.BytesIO(to_png(svg)), width=Cm(13.6))
                word.paragraphs[-1].alignment = WD_ALIGN_PARAGRAPH.CENTER
                told = word.add_paragraph(style="Caption")
                told.alignment = WD_ALIGN_PARAGRAPH.CENTER
                _both(told, caption, document.english)
    _signatures(word, document)
    target = io.BytesIO()
    word.save(target)
    return target.getvalue()


def _page(word: Word, document: Document) -> None:
    page = word.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin, page.right_margin, page.top_margin, page.bottom_margin = Cm(3), Cm(1.8), Cm(2), Cm(2)
    styles: Any = word.styles
    sizes = {"Normal": 13, "Heading 1": 13, "List Bullet": 13, "Caption": 10.5, "Intense Quote": 13,
             "Header": 9, "Footer": 9}  # fmt: skip
    for name, size in sizes.items():
        style = styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("ascii", "hAnsi", "eastAsia", "cs"):
            fonts.set(qn(f"w:{kind}"), FONT)
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):  # a theme's font would win
            fonts.attrib.pop(qn(f"w:{theme}"), None)
    styles["Normal"].paragraph_format.space_after = Pt(4)
    styles["Heading 1"].font.color.rgb = RGBColor(0, 0, 0)
    styles["Heading 1"].paragraph_format.space_before = Pt(10)
    styles["Caption"].font.color.rgb = _GREY
    styles["Intense Quote"].font.color.rgb = RGBColor(0x0D, 0x47, 0xA1)
    styles["Intense Quote"].paragraph_format.left_indent = Cm(0.5)
    word.core_properties.title = _clean(document.title.vi)
    word.core_properties.author = _clean(document.agency.name)
    head = page.header.paragraphs[0]
    head.add_run(_clean(f"{document.title.vi} số {document.number}"))
    if document.synthetic:
        mark = head.add_run(f"    {SYNTHETIC}")
        mark.bold, mark.font.color.rgb = True, _RED
    foot = page.footer.paragraphs[0]
    foot.add_run(f"SHA-256 {document.sha256[:16]}…    ")
    _field(foot, "PAGE")
    foot.add_run(" / ")
    _field(foot, "NUMPAGES")


def _field(paragraph: WordParagraph, code: str) -> None:
    run: Any = paragraph.add_run()
    for kind, told in (("begin", None), (None, code), ("end", None)):
        element: Any = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = told
        run._r.append(element)


def _heading(word: Word, document: Document) -> None:
    grid = word.add_table(rows=1, cols=2)
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    left, right = grid.rows[0].cells
    agency = document.agency
    _centred(left, (agency.parent, False, False), (agency.name, True, False), (f"Số: {document.number}", False, False))
    _centred(right, ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", True, False), ("Độc lập - Tự do - Hạnh phúc", True, False),
             (document.date, False, True))  # fmt: skip
    for cell, width in ((left, 0.44), (right, 0.56)):
        cell.width = Cm(_WIDTH_CM * width)
    for text, size in ((document.title, 15), (document.subject, 13)):
        line = word.add_paragraph()
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        if size == 15:
            line.paragraph_format.space_before = Pt(14)
        _both(line, text, document.english, bold=True, size=size)
    if document.synthetic:
        line = word.add_paragraph()
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
        mark = line.add_run(f"({SYNTHETIC})")
        mark.bold, mark.font.color.rgb = True, _RED


def _centred(cell: Any, *lines: tuple[str, bool, bool]) -> None:
    for i, (told, bold, italic) in enumerate(lines):
        paragraph = cell.paragraphs[0] if i == 0 else cell.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.space_after = Pt(1)
        run = paragraph.add_run(_clean(told))
        run.bold, run.italic, run.font.size = bold, italic, Pt(12)


def _table(word: Word, block: Table, english: bool) -> None:
    grid = word.add_table(rows=1, cols=len(block.columns), style="Table Grid")
    grid.autofit = False
    head: Any = grid.rows[0]
    repeat: Any = OxmlElement("w:tblHeader")
    head._tr.get_or_add_trPr().append(repeat)
    for cell, text in zip(head.cells, block.columns, strict=True):
        _both(cell.paragraphs[0], text, english, bold=True, size=10.5)
    for row in block.rows:
        added: Any = grid.add_row()
        added._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for i, (cell, told) in enumerate(zip(added.cells, row, strict=True)):
            line = cell.paragraphs[0]
            line.paragraph_format.space_after = Pt(0)
            line.add_run(_clean(told)).font.size = Pt(10.5)
            if i in block.numeric:
                line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    total = sum(block.widths)
    for i, width in enumerate(block.widths):
        for cell in grid.columns[i].cells:
            cell.width = Cm(_WIDTH_CM * width / total)
    word.add_paragraph().paragraph_format.space_after = Pt(0)


def _both(
    paragraph: WordParagraph, text: Text, english: bool, before: str = "", *, bold: bool | None = None,
    size: float | None = None,
) -> None:  # fmt: skip
    run = paragraph.add_run(_clean(before + text.vi))
    run.bold = bold
    if size:
        run.font.size = Pt(size)
    if english and text.en:
        paragraph.add_run().add_break()
        below = paragraph.add_run(_clean(text.en))
        below.italic, below.bold, below.font.size, below.font.color.rgb = True, False, Pt((size or 13) * 0.82), _GREY


def _signatures(word: Word, document: Document) -> None:
    word.add_paragraph()
    grid = word.add_table(rows=1, cols=3)
    left, middle, right = grid.rows[0].cells
    first = left.paragraphs[0].add_run("Nơi nhận:")
    first.bold, first.italic, first.font.size = True, True, Pt(11)
    for told in document.recipients:
        left.add_paragraph().add_run(_clean(f"- {told};")).font.size = Pt(10.5)
    _centred(middle, ("NGƯỜI THẨM ĐỊNH", True, False))
    _centred(right, (document.agency.signer, True, False))


def _clean(told: str) -> str:
    return _FORBIDDEN.sub("\ufffd", told)
