"""The named, versioned definitions of the sharing indicators a3, a4 and a5.

No text that fixes a denominator is published, so each definition carries its own citation, reports print it,
and the alternatives stand side by side. A changed formula is a new version, never an edit of an old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from app.errors import NotFound

Indicator = Literal["a3", "a4", "a5"]
KIND_OF = {"a3": "site", "a4": "pole", "a5": "duct"}
_PLAN = (
    "Indicator: Plan 254/KH-UBND (15 Jul 2023), II.2.a. No official numerator or denominator is published; "
    "the formula is this registry's own choice [A]"
)


@dataclass(frozen=True)
class Definition:
    """One way to count an indicator; `unit` is what numerator, denominator and unknown are counted in."""

    code: str
    version: int
    indicator: Indicator
    default: bool
    title_vi: str
    title_en: str
    formula: str
    words_vi: str
    words_en: str
    counted_in: str
    unit: Literal["%", "operators per position"] = "%"
    citation: str = _PLAN

    def as_dict(self) -> dict[str, Any]:
        """Return the definition as reports and the API print it."""
        return {
            "code": self.code,
            "version": self.version,
            "indicator": self.indicator,
            "default": self.default,
            "title": {"vi": self.title_vi, "en": self.title_en},
            "formula": self.formula,
            "words": {"vi": self.words_vi, "en": self.words_en},
            "counted_in": self.counted_in,
            "unit": self.unit,
            "citation": self.citation,
        }


DEFINITIONS: dict[str, Definition] = {
    d.code: d
    for d in (
        Definition(
            "S1",
            1,
            "a3",
            True,
            "Tỷ lệ vị trí trạm BTS dùng chung",
            "Shared BTS positions",
            "N(k ≥ 2) / N(k ≥ 1)",
            "Số vị trí có từ 2 nhà mạng vô tuyến trở lên chia cho số vị trí có ít nhất 1 nhà mạng",
            "Positions with two or more radio-network operators over positions with at least one",
            "positions",
        ),
        Definition(
            "S2",
            1,
            "a3",
            False,
            "Tỷ lệ lượt hiện diện của nhà mạng tại vị trí dùng chung",
            "Operator presences at shared positions",
            "Σk[k ≥ 2] / Σk",
            "Số lượt hiện diện của nhà mạng tại vị trí dùng chung chia cho tổng số lượt hiện diện",
            "Operator presences at shared positions over all operator presences",
            "operator presences (unknown: positions)",
        ),
        Definition(
            "S3",
            1,
            "a3",
            False,
            "Số nhà mạng bình quân trên một vị trí",
            "Tenancy ratio",
            "Σk / N",
            "Tổng số lượt hiện diện chia cho số vị trí đã biết hiện trạng thuê, kể cả vị trí trống",
            "Operator presences over positions whose tenancy is known, empty ones included; not a percentage",
            "operator presences over positions",
            unit="operators per position",
        ),
        Definition(
            "S4",
            1,
            "a3",
            False,
            "Tỷ lệ vị trí dùng chung, tính cả hạ tầng trung lập",
            "Shared positions, neutral hosts included",
            "N(k ≥ 2 or neutral host offering to share with k ≥ 1) / N(k ≥ 1)",
            "Như S1; vị trí của đơn vị trung lập (TowerCo, cột đèn, cột điện) sẵn sàng cho thuê chung và có ít nhất "
            "1 nhà mạng cũng được tính là dùng chung",
            "As S1; a neutral-host position (tower company, street furniture) whose owner offers sharing counts as "
            "shared from one operator on",
            "positions",
        ),
        Definition(
            "P1",
            1,
            "a4",
            True,
            "Tỷ lệ cột treo cáp dùng chung",
            "Shared cable poles",
            "N(organisations ≥ 2, telecom ≥ 1) / N(telecom ≥ 1)",
            "Số cột có đường dây của từ 2 tổ chức trở lên (kể cả chủ cột) chia cho số cột có ít nhất 1 cáp viễn thông",
            "Poles with lines of two or more organisations, the owner's own line counting as one, over poles carrying "
            "at least one telecom cable",
            "poles",
        ),
        Definition(
            "P2",
            1,
            "a4",
            False,
            "Tỷ lệ cột có từ 2 doanh nghiệp viễn thông",
            "Poles with two or more telecom operators",
            "N(operators ≥ 2) / N(telecom ≥ 1)",
            "Số cột có cáp của từ 2 doanh nghiệp viễn thông trở lên chia cho số cột có ít nhất 1 cáp viễn thông",
            "Poles with telecom cables of two or more operators over poles carrying at least one telecom cable",
            "poles",
        ),
        Definition(
            "P3",
            1,
            "a4",
            False,
            "Tỷ lệ cột của ngành khác được viễn thông sử dụng",
            "Poles of other sectors used by telecom",
            "N(owner not telecom, telecom ≥ 1) / N(telecom ≥ 1)",
            "Số cột do đơn vị ngoài viễn thông sở hữu có cáp viễn thông chia cho số cột có cáp viễn thông",
            "Poles owned by a body outside telecom and carrying a telecom cable over poles carrying a telecom cable",
            "poles",
        ),
        Definition(
            "D1",
            1,
            "a5",
            True,
            "Tỷ lệ chiều dài cống bể cáp dùng chung",
            "Shared ducts by length",
            "L(operators ≥ 2) / L(operators ≥ 1)",
            "Chiều dài đoạn cống bể có từ 2 doanh nghiệp trở lên chia cho chiều dài có ít nhất 1 doanh nghiệp; "
            "các ống song song cùng rãnh tính một lần",
            "Length of duct segments occupied by two or more operators over length occupied by at least one; "
            "parallel ducts of a trench count once, with the longest length and the union of occupants",
            "metres",
        ),
        Definition(
            "D2",
            1,
            "a5",
            False,
            "Tỷ lệ số đoạn cống bể cáp dùng chung",
            "Shared ducts by number of segments",
            "N(operators ≥ 2) / N(operators ≥ 1)",
            "Số đoạn cống (từ bể đến bể) có từ 2 doanh nghiệp trở lên chia cho số đoạn có ít nhất 1 doanh nghiệp",
            "Duct segments (manhole to manhole) with two or more operators over segments with at least one; "
            "parallel ducts count apart",
            "segments",
        ),
        Definition(
            "D3",
            1,
            "a5",
            False,
            "Tỷ lệ tuyến cống bể có đoạn dùng chung",
            "Duct routes with any shared segment",
            "N(routes with a shared segment) / N(routes with an occupied segment)",
            "Số tuyến có ít nhất một đoạn dùng chung chia cho số tuyến có đoạn đang sử dụng (tính cao hơn thực tế)",
            "Whole routes with any shared segment over routes with any occupied segment; overstates sharing",
            "routes",
        ),
    )
}


def definition(code: str) -> Definition:
    """Return the definition named `code`.

    Raises
    ------
    NotFound
        There is none; the message lists those there are.
    """
    found = DEFINITIONS.get(code.strip().upper())
    if found is None:
        names = ", ".join(DEFINITIONS)
        raise NotFound(
            "unknown_definition",
            f"Không có cách tính {code!r}; hiện có: {names}",
            f"There is no definition {code!r}; there are: {names}",
            field="definition",
        )
    return found


def default_of(indicator: str) -> Definition:
    """Return the default definition of `indicator` (a3, a4 or a5)."""
    return next(d for d in DEFINITIONS.values() if d.indicator == indicator and d.default)
