"""The sheet says what the model says, in PDF and Word alike, whatever the names hold."""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree import ElementTree

import docx
import pypdfium2
import pytest

from app.licensing.dossier.content import build, synthetic
from app.licensing.dossier.document import Bullets, Document, Heading, Paragraph, Picture, Table
from app.licensing.dossier.map import draw
from app.licensing.dossier.pdf import to_pdf, to_png
from app.licensing.dossier.word import FONT, to_word
from tests.licensing.dossier.conftest import HOSTILE, answer, candidate, sheet, squeezed


def words(document: Document) -> Iterator[str]:
    """Every wording of the document, in order."""
    yield from (document.agency.parent, document.agency.name, document.number, document.date, document.title.vi,
                document.subject.vi)  # fmt: skip
    for block in document.blocks:
        match block:
            case Heading(text) | Paragraph(text):
                yield text.vi
            case Bullets(items):
                yield from (item.vi for item in items)
            case Table(columns, rows):
                yield from (c.vi for c in columns)
                yield from (cell for row in rows for cell in row)
            case Picture(_, caption):
                yield caption.vi
    yield document.agency.signer


def pdf_text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return squeezed("".join(page.get_textpage().get_text_bounded() for page in document))


def word_text(content: bytes) -> str:
    body = docx.Document(io.BytesIO(content)).element.body
    return squeezed("".join(body.itertext()))


@pytest.mark.parametrize("english", [False, True])
def test_pdf_and_word_say_what_the_model_says(english: bool) -> None:
    document = build(sheet(), english=english)
    pdf, word = pdf_text(to_pdf(document)), word_text(to_word(document))
    for told in words(document):
        assert squeezed(told) in pdf, told
        assert squeezed(told) in word, told
    assert ("Alternativesconsidered" in pdf) is english
    assert ("Alternativesconsidered" in word) is english


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_never_markup(name: str) -> None:
    told = answer(candidates=[candidate(name)], commune={"code": "1", "name": name, "kind": None},
                  reasons=[{"code": "x", "vi": name, "en": name}])  # fmt: skip
    document = build(sheet(told, applicant=name, commune=name, village=name))
    shown = squeezed(name.replace("\x01", "\ufffd"))
    assert word_text(to_word(document)).count(shown) >= 3
    pdf = pdf_text(to_pdf(document))
    assert pdf.count(squeezed(name.replace("\x01", ""))) + pdf.count(shown) + pdf.count(squeezed(name)) >= 3
    assert "root:" not in pdf
    (picture,) = (b for b in document.blocks if isinstance(b, Picture))
    drawn = ElementTree.fromstring(picture.svg)
    assert name.replace("\x01", "\ufffd") in {t.text for t in drawn.iter("{http://www.w3.org/2000/svg}text")}


def test_the_same_sheet_is_the_same_file() -> None:
    assert build(sheet()) == build(sheet())
    assert to_pdf(build(sheet())) == to_pdf(build(sheet()))


def test_restricted_structures_are_not_in_it() -> None:
    document = build(sheet())
    assert "BÍ-MẬT" not in repr(document)


def test_why_each_alternative_failed() -> None:
    table = next(b for b in build(sheet()).blocks if isinstance(b, Table) and len(b.columns) == 8)
    assert [row[-1] for row in table.rows] == [
        "Đề nghị dùng chung. Còn chỗ, đủ chiều cao: có thể dùng chung",
        "Hết chỗ; Quá thấp",
        "Chưa rõ sức chứa: phải hỏi chủ sở hữu",
    ]


def test_citations_are_whole() -> None:
    grounds = [b for b in build(sheet()).blocks if isinstance(b, Bullets)][-1]
    assert [i.vi for i in grounds.items] == ["[A] một; hai", "[A] ba", "[M] Sân bay"]
    told = answer(citation="[A] một; hai · one; two; [M] ba", constraints=[])
    grounds = [b for b in build(sheet(told)).blocks if isinstance(b, Bullets)][-1]
    assert [(i.vi, i.en) for i in grounds.items] == [("[A] một; hai", "one; two"), ("[M] ba", "")]


def test_without_alternatives_and_without_application() -> None:
    bare = answer(candidates=[], near_duplicates=[], constraints=[], coverage=None, commune=None)
    made = sheet(bare)
    made.inputs["facts"]["application"] = None
    document = build(made)
    assert not document.synthetic
    assert squeezed("Không có công trình nào") in pdf_text(to_pdf(document))
    assert "SYNTHETIC" not in pdf_text(to_pdf(document))
    assert word_text(to_word(document))


def test_synthetic_shows_in_both() -> None:
    document = build(sheet())
    assert synthetic(answer())
    assert pdf_text(to_pdf(document)).count("SYNTHETIC") >= 2
    word = docx.Document(io.BytesIO(to_word(document)))
    assert "SYNTHETIC" in word.sections[0].header.paragraphs[0].text


def test_word_has_styles_header_page_numbers_and_repeated_rows() -> None:
    word = docx.Document(io.BytesIO(to_word(build(sheet()))))
    assert {p.style.name for p in word.paragraphs if p.style} >= {"Heading 1", "List Bullet", "Normal", "Caption"}
    assert word.styles["Normal"].font.name == FONT
    footer = word.sections[0].footer.paragraphs[0]._p.xml
    assert "PAGE" in footer
    assert "NUMPAGES" in footer
    wide = next(t for t in word.tables if len(t.columns) == 8)
    assert "tblHeader" in wide.rows[0]._tr.xml
    assert len(word.inline_shapes) == 1


def test_the_map_draws_every_candidate_and_survives_crowding() -> None:
    crowd = [candidate(f"C{i}") for i in range(30)]
    ground = sheet().inputs["map"]
    svg = draw(ground, answer()["proposal"], crowd)
    told = [t.text for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert [t for t in told if t and t.isdigit()] == [str(i) for i in range(1, 31)]
    assert to_png(svg).startswith(b"\x89PNG")
