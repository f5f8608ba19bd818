"""One export on its way to a file: what is written, and what the file says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from sqlalchemy.orm import Session

from app.kit.geo import WGS84
from app.kit.progress import Report
from app.publish.exports.about import metadata, note
from app.publish.exports.arrow import Rows, read
from app.publish.exports.selection import Selection
from app.publish.exports.statements import shapes


@dataclass
class Task:
    """The rows of one layer for one file.

    Attributes
    ----------
    shapes : dict
        Geometry type → objects: {"POINT": 500000}.
    about : dict
        The metadata, count included.
    """

    session: Session
    name: str
    rows: Rows
    shapes: dict[str, int]
    about: dict[str, Any]
    report: Report | None = None
    done: int = 0
    failed: list[BaseException] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many objects there are to write."""
        return sum(self.shapes.values())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, reporting progress; what goes wrong is kept, since GDAL would only tell its text."""
        note(self.session, self.name)
        with closing(self.rows.batches()) as found:
            try:
                for batch in found:
                    yield batch
                    self.advance(batch.num_rows)
            except Exception as error:
                self.failed.append(error)
                raise

    def advance(self, count: int) -> None:
        """Report that so many more rows are written."""
        self.done += count
        if self.report:
            self.report(min(self.done, self.total), self.total, self.name)


def begin(session: Session, name: str, selection: Selection, crs: str = WGS84, report: Report | None = None) -> Task:
    """Return the task of writing the selected objects."""
    found = shapes(session, name, selection)
    about = metadata(session, name, selection, crs, sum(found.values()))
    return Task(session, name, read(session, name, selection, crs), found, about, report)
