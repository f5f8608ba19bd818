"""What a document is made of, whatever it is written as; `word` and `pdf` write the same blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["body", "lead", "note"]


@dataclass(frozen=True)
class Text:
    """A wording: Vietnamese, and English shown below it when the document is asked for with it."""

    vi: str
    en: str = ""


@dataclass(frozen=True)
class Heading:
    """Heads a section; numbered in order."""

    text: Text


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; `lead` stands out, `note` is small."""

    text: Text
    style: Style = "body"


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as `columns`; the header repeats on every page.

    `widths` are shares of the page; `numeric` are columns set to the right.
    """

    columns: tuple[Text, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG, with its caption."""

    svg: str
    caption: Text


Block = Heading | Paragraph | Bullets | Table | Picture


@dataclass(frozen=True)
class Agency:
    """Who issues, by dated policy dossier/agency."""

    parent: str
    name: str
    symbol: str
    place: str
    signer: str


@dataclass(frozen=True)
class Document:
    """A document of a Vietnamese agency: heading, title, blocks, signatures."""

    agency: Agency
    number: str
    date: str
    title: Text
    subject: Text
    blocks: tuple[Block, ...]
    recipients: tuple[str, ...]
    synthetic: bool
    sha256: str
    english: bool
