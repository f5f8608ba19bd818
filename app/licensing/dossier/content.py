"""The appraisal sheet: from a frozen check and the facts of an application to a document. Pure; all wording is here.

Structures that are restricted are not in the sheet: it leaves the department, and they do not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.kit.text import decimal_vi, thousands_vi
from app.licensing.dossier.document import (
    Agency,
    Block,
    Bullets,
    Document,
    Heading,
    Paragraph,
    Picture,
    Table,
    Text,
)
from app.licensing.dossier.map import draw, unit_name

Facts = Mapping[str, Any]
NONE = "—"
_CITED = re.compile(r"; (?=\[[A-Z]\])")
"""Between two citations, each of which begins with its mark; a semicolon inside one parts nothing."""
_STATE = {"free": "còn chỗ", "full": "đã đầy", "unknown": "chưa rõ"}
_STATUS = {
    "ok": "đạt", "warning": "lưu ý", "needs_approval": "cần chấp thuận", "refuse": "không đạt", "unknown": "chưa rõ",
}  # fmt: skip
_PURPOSE = {"coverage": "phủ sóng nơi chưa có", "capacity": "tăng dung lượng", "new_technology": "công nghệ mới"}
_COVERAGE = (
    ("people", "Người dân được phục vụ cho mục đích", "People served for the purpose"),
    ("villages_gained", "Thôn, tổ dân phố được phủ sóng thêm", "Villages gained"),
    ("share_of_proposal", "Phần dân của đề xuất được phục vụ", "Share of the proposal's people"),
)


@dataclass(frozen=True)
class Sheet:
    """What a sheet is made from: a row of `appraisal`.

    Attributes
    ----------
    inputs, answer : mapping
        Frozen; `inputs` has map and facts (agency, and application or null).
    made_on : date
        Day of the sheet.
    """

    number: int
    inputs: Mapping[str, Any]
    answer: Mapping[str, Any]
    sha256: str
    made_on: dt.date
    made_by: str


def build(sheet: Sheet, *, english: bool = False) -> Document:
    """Return the document; the same sheet gives the same document."""
    answer, facts = sheet.answer, sheet.inputs["facts"]
    agency = Agency(**facts["agency"])
    blocks: list[Block] = []
    for part in (
        _request(answer, facts), _conclusion(answer), _alternatives(answer), _map(sheet.inputs, answer),
        _constraints(answer), _coverage(answer), _effect(answer), _requests(facts), _decision(facts),
        _grounds(answer), _data(sheet),
    ):  # fmt: skip
        blocks.extend(part)
    return Document(
        agency=agency,
        number=f"{sheet.number}/{agency.symbol}",
        date=f"{agency.place}, ngày {sheet.made_on.day:02d} tháng {sheet.made_on.month:02d} năm {sheet.made_on.year}",
        title=Text("PHIẾU THẨM ĐỊNH", "APPRAISAL SHEET"),
        subject=Text(
            "Đề nghị xây dựng cột ăng ten và khả năng dùng chung hạ tầng",
            "Proposed antenna mast and the possibility of sharing",
        ),
        blocks=tuple(blocks),
        recipients=("Tổ chức đề nghị", "Lưu: VT, hồ sơ"),
        synthetic=synthetic(answer),
        sha256=sheet.sha256,
        english=english,
    )


def synthetic(answer: Mapping[str, Any]) -> bool:
    """Say whether anything the answer rests on is synthetic."""
    shown = (*answer["candidates"], *answer["near_duplicates"])
    return bool(answer.get("synthetic")) or any(c["synthetic"] for c in shown)


def _metres(value: float | None, digits: int = 0) -> str:
    return NONE if value is None else f"{decimal_vi(value, digits)} m"


def _day(value: Any) -> str:
    if value in (None, ""):
        return NONE
    day = dt.date.fromisoformat(str(value)[:10])
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def _request(answer: Mapping[str, Any], facts: Facts) -> Iterable[Block]:
    asked, filed, commune = answer["proposal"], facts.get("application") or {}, answer["commune"]
    place = NONE if commune is None else unit_name(commune)
    applicant = filed.get("applicant") or asked["operator"]
    rows = [
        ("Tổ chức đề nghị", str(applicant)),
        ("Mã hồ sơ; ngày nhận", f"{filed.get('reference') or NONE}; {_day(filed.get('received_on'))}"),
        ("Vị trí (WGS84)", f"kinh độ {decimal_vi(asked['lon'], 6)}; vĩ độ {decimal_vi(asked['lat'], 6)}"),
        ("Địa bàn", place),
        ("Chiều cao đề nghị", _metres(asked["height_m"], 1)),
        ("Công nghệ", ", ".join(asked["technologies"]) or NONE),
        ("Bán kính xét dùng chung", _metres(asked["radius_m"])),
        ("Mục đích", _PURPOSE.get(str(asked.get("purpose")), NONE)),
        *((("Khu vực tìm kiếm", "Đa giác; vị trí trên là một điểm bên trong"),) if asked.get("area") else ()),
    ]
    yield Heading(Text("Nội dung đề nghị", "The proposal"))
    yield _pairs(rows)


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    return Table((Text("Mục", "Item"), Text("Nội dung", "Content")), tuple(rows), (0.32, 0.68))


def _conclusion(answer: Mapping[str, Any]) -> Iterable[Block]:
    yield Heading(Text("Kết quả thẩm định", "Result"))
    yield Paragraph(Text(answer["advice"]["vi"], answer["advice"]["en"]), "lead")
    if answer["reasons"]:
        yield Bullets(tuple(Text(r["vi"], r["en"]) for r in answer["reasons"]))


def _map(inputs: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterable[Block]:
    yield Heading(Text("Trích bản đồ", "Map extract"))
    yield Picture(
        draw(inputs["map"], answer["proposal"], answer["candidates"]),
        Text(
            f"Hiện trạng ngày {_day(answer['as_of'])}; số trong bản đồ là số thứ tự phương án ở bảng trên",
            f"As of {answer['as_of']}; numbers are those of the alternatives above",
        ),
    )


def _alternatives(answer: Mapping[str, Any]) -> Iterable[Block]:
    yield Heading(Text("Các phương án dùng chung đã xem xét", "Alternatives considered"))
    found = answer["candidates"]
    if not found:
        yield Paragraph(Text("Không có công trình nào trong bán kính xét.", "There is no structure within the radius."))
        return
    columns = (
        Text("TT", "No."), Text("Công trình", "Structure"), Text("Chủ sở hữu", "Owner"),
        Text("Khoảng cách", "Distance"), Text("Cao", "Top"), Text("Đang dùng", "Tenants"),
        Text("Sức chứa", "Room"), Text("Kết quả xem xét", "Why or why not"),
    )  # fmt: skip
    rows = tuple(
        (
            str(i), c["structure"], _owner(c), _metres(c["distance_m"]), _metres(c["top_m"], 1),
            ", ".join(c["tenants"]) or NONE, _room(c), _verdict(c, answer, first=i == 1),
        )
        for i, c in enumerate(found, 1)
    )  # fmt: skip
    yield Table(columns, rows, (0.05, 0.13, 0.14, 0.1, 0.09, 0.14, 0.16, 0.19), frozenset({3, 4}))
    near = answer["near_duplicates"]
    if near:
        listed = "; ".join(f"{c['structure']} ({_metres(c['distance_m'])})" for c in near)
        yield Paragraph(
            Text(f"Công trình quá gần vị trí đề xuất: {listed}.", f"Structures too near to be apart: {listed}."), "note"
        )


def _owner(candidate: Mapping[str, Any]) -> str:
    owner = candidate.get("owner")
    return NONE if not owner else str(owner["code"])


def _room(candidate: Mapping[str, Any]) -> str:
    state = _STATE[candidate["spare_state"]]
    parts = [state if candidate["spare"] in (None, 0) else f"{state} {candidate['spare']}"]
    if candidate.get("spare_load_kg") is not None:
        parts.append(f"{thousands_vi(candidate['spare_load_kg'])} kg")
    if candidate.get("free_height_m") is not None:
        parts.append(f"trống {_metres(candidate['free_height_m'], 1)}")
    mast = [p["declared_vnd_month"] for p in candidate.get("prices") or () if p["component"] == "mast"]
    if mast and mast[0] is not None:
        parts.append(f"giá {_vnd(mast[0])}")
    return "; ".join(parts)


def _verdict(candidate: Mapping[str, Any], answer: Mapping[str, Any], *, first: bool) -> str:
    """Return why it failed; of the best one, which the check puts first, that it is advised."""
    if first and answer["advice"]["code"] == "share":
        return "Đề nghị dùng chung. " + why(candidate, answer)
    return why(candidate, answer)


def why(candidate: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Return why an alternative failed, in the check's own words when it gives them, or that it is advised."""
    if candidate.get("fails"):
        return "; ".join(f["vi"] for f in candidate["fails"])
    if candidate["operator_already_here"]:
        return f"{answer['proposal']['operator']} đã có mặt trên công trình này"
    if candidate["spare_state"] == "full":
        return "Không còn chỗ cho nhà mạng khác"
    if candidate["spare_state"] == "unknown":
        return "Chưa rõ sức chứa: phải hỏi chủ sở hữu"
    if candidate.get("serves_purpose") and candidate.get("coverage"):
        return "Còn chỗ, phục vụ được mục đích: có thể dùng chung"
    if candidate["top_m"] is None:
        return "Chưa rõ chiều cao"
    if candidate["top_m"] < answer["proposal"]["height_m"]:
        return f"Còn chỗ; thấp hơn chiều cao đề nghị {_metres(answer['proposal']['height_m'] - candidate['top_m'], 1)}"
    return "Còn chỗ, đủ chiều cao: có thể dùng chung"


def _constraints(answer: Mapping[str, Any]) -> Iterable[Block]:
    found = [c for c in answer.get("constraints") or () if not c.get("restricted")]
    if not found:
        return
    yield Heading(Text("Ràng buộc quy hoạch, di sản, hàng không, mỹ quan", "Constraints"))
    columns = (Text("Ràng buộc", "Constraint"), Text("Kết quả", "Result"), Text("Giá trị; giới hạn", "Value; limit"),
               Text("Nhận xét", "Remark"), Text("Căn cứ", "Citation"))  # fmt: skip
    rows = tuple(
        (
            str(c.get("name") or c.get("code") or NONE), _STATUS.get(str(c.get("status")), str(c.get("status"))),
            f"{_number(c.get('value'))}; {_number(c.get('limit'))}", str(c.get("vi") or NONE),
            _citation(c.get("citation") or NONE).vi,
        )
        for c in found
    )  # fmt: skip
    yield Table(columns, rows, (0.17, 0.11, 0.15, 0.32, 0.25))


def _number(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return decimal_vi(value, 0 if float(value).is_integer() else 1)


def _coverage(answer: Mapping[str, Any]) -> Iterable[Block]:
    proposed = answer.get("coverage")
    with_it = [(str(i), c) for i, c in enumerate(answer["candidates"], 1) if c.get("coverage")]
    if not proposed and not with_it:
        return
    yield Heading(Text("Vùng phủ sóng tăng thêm", "Coverage gained"))
    columns = (Text("Phương án", "Alternative"), *(Text(vi, en) for _, vi, en in _COVERAGE))
    rows = [(name, *(_gain(key, found.get(key)) for key, _, _ in _COVERAGE))
            for name, found in (("Đề xuất", proposed or {}), *((n, c["coverage"]) for n, c in with_it))]  # fmt: skip
    yield Table(columns, tuple(rows), (0.19, 0.27, 0.27, 0.27), frozenset({1, 2, 3}))


def _gain(key: str, value: Any) -> str:
    if isinstance(value, list):
        return thousands_vi(len(value))
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return NONE
    return f"{decimal_vi(100 * value, 0)} %" if key == "share_of_proposal" else thousands_vi(value)


def _effect(answer: Mapping[str, Any]) -> Iterable[Block]:
    def percent(value: float | None) -> str:
        return NONE if value is None else f"{decimal_vi(value, 2)} %"

    yield Heading(Text("Ảnh hưởng tới tỷ lệ dùng chung vị trí trạm BTS", "Effect on the sharing ratio"))
    columns = (Text("Định nghĩa", "Definition"), Text("Hiện nay", "Now"), Text("Xây cột mới", "New mast"),
               Text("Dùng chung", "Shared"))  # fmt: skip
    rows = tuple(
        (code, *(percent(found[k]) for k in ("before", "after_new", "after_shared")))
        for code, found in sorted(answer["effect"].items())
    )
    yield Table(columns, rows, (0.25, 0.25, 0.25, 0.25), frozenset({1, 2, 3}))


def _requests(facts: Facts) -> Iterable[Block]:
    asked = (facts.get("application") or {}).get("sharing_requests") or ()
    if not asked:
        return
    yield Heading(Text("Yêu cầu dùng chung và trả lời của chủ sở hữu", "Sharing requests and answers"))
    columns = (Text("Chủ sở hữu", "Owner"), Text("Công trình", "Structure"), Text("Gửi; hạn trả lời", "Sent; due"),
               Text("Trả lời", "Answer"), Text("Lý do; giá", "Reason; price"))  # fmt: skip
    rows = tuple(
        (
            str(r.get("owner") or NONE), str(r.get("structure") or NONE),
            f"{_day(r.get('sent_on'))}; {_day(r.get('due_on'))}", str(r.get("answer") or "chưa trả lời"),
            f"{r.get('reason') or NONE}; {_vnd(r.get('price_vnd_month'))}",
        )
        for r in asked
    )  # fmt: skip
    yield Table(columns, rows, (0.16, 0.2, 0.22, 0.17, 0.25))


def _vnd(value: Any) -> str:
    return NONE if value is None else f"{thousands_vi(value)} đồng/tháng"


def _decision(facts: Facts) -> Iterable[Block]:
    decided = (facts.get("application") or {}).get("decision")
    if decided:
        yield Heading(Text("Quyết định", "Decision"))
        yield Paragraph(Text(str(decided.get("vi") or NONE), str(decided.get("en") or "")), "lead")


def _grounds(answer: Mapping[str, Any]) -> Iterable[Block]:
    cited = [
        answer["citation"],
        *(c.get("citation") for c in answer.get("constraints") or () if not c.get("restricted")),
    ]
    listed = dict.fromkeys(part for text in cited if text for part in _CITED.split(str(text)))
    yield Heading(Text("Căn cứ", "Grounds"))
    yield Bullets(tuple(_citation(line) for line in listed))


def _citation(text: str) -> Text:
    """Return a citation in the languages it has: "[mark] Vietnamese · English", or one text for both."""
    vi, _, en = text.partition(" · ")
    return Text(vi, en)


def _data(sheet: Sheet) -> Iterable[Block]:
    yield Heading(Text("Dữ liệu", "Data"))
    rows = [
        ("Hiện trạng ngày", _day(sheet.answer["as_of"])),
        ("Bản chụp số", str(sheet.number)),
        ("SHA-256 của bản chụp", sheet.sha256),
        ("Người lập", sheet.made_by),
    ]
    yield _pairs(rows)
    yield Paragraph(
        Text(
            "Kết quả tính lại được từ bản chụp dữ liệu này: hatang appraisal verify " + str(sheet.number),
            "The result can be computed again from this snapshot of the data.",
        ),
        "note",
    )
