"""What the advice rests on and why an alternative fails, in both languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.kit.text import decimal_vi
from app.licensing.candidates import Candidate, Room
from app.licensing.constraints.judgement import Finding
from app.licensing.reach import Purpose, Reach


@dataclass(frozen=True)
class Reason:
    """One thing the advice rests on, in both languages."""

    code: str
    vi: str
    en: str


def advice(code: str, best: Candidate | None) -> tuple[str, str]:
    """Return the advice in a sentence."""
    if code == "share" and best is not None:
        return (
            f"Dùng chung {best.structure} cách {best.distance_m:.0f} m, còn chỗ cho {best.spare} nhà mạng",
            f"Share {best.structure}, {best.distance_m:.0f} m away, with room for {best.spare} more operator(s)",
        )
    if code == "license_shared":
        return (
            "Không có công trình nào trong bán kính còn chỗ: có thể cấp phép cột mới, với điều kiện xây để dùng chung",
            "No structure within the radius has room: a new one may be licensed if it is built to be shared",
        )
    if code == "refuse":
        return (
            "Không cấp phép cột mới tại đây: quy định về địa điểm không cho phép, và không có công trình nào còn chỗ",
            "No new tower here: a rule of the place forbids it, and no structure within the radius has room",
        )
    return (
        "Cần cán bộ xem xét: chưa đủ dữ liệu để kết luận, xem các lý do",
        "A person has to look: the data do not decide it, see the reasons",
    )


def fails(
    candidate: Candidate, state: str, needed: Room, share: float | None, suitable: bool | None, own: bool,
    asked_m: float,
) -> tuple[Reason, ...]:  # fmt: skip
    """Return why an alternative is not the one advised, empty when nothing speaks against it."""
    found = []
    if own:
        found.append(
            Reason("operator_already_here", "Nhà mạng đã có mặt tại công trình", "The operator is already here")
        )
    if candidate.spare_state == "full":
        found.append(
            Reason(
                "no_place",
                f"Đã đủ {candidate.tenant_capacity} đơn vị thuê",
                f"All of its {candidate.tenant_capacity} places are taken",
            )
        )
    elif state == "full":
        found.append(
            Reason(
                "no_load",
                f"Tải trọng còn lại {candidate.spare_load_kg:.0f} kg, cần {needed.antenna_set_kg:.0f} kg",
                f"It can carry {candidate.spare_load_kg:.0f} kg more, {needed.antenna_set_kg:.0f} kg are needed",
            )
        )
    elif state == "unknown" and candidate.spare_state == "free":
        found.append(
            Reason(
                "owner_unknown", "Chưa rõ chủ sở hữu: không biết hỏi ai", "Its owner is unknown: nobody can be asked"
            )
        )
    elif state == "unknown":
        found.append(Reason("capacity_unknown", "Chưa rõ sức chứa: hỏi chủ sở hữu", "Capacity unknown: ask its owner"))
    if share is not None and not suitable:
        found.append(
            Reason(
                "covers_too_little",
                f"Chỉ phục vụ {100 * share:.0f} % số dân mà cột đề xuất phục vụ",
                f"It serves only {100 * share:.0f} % of the people the proposal would",
            )
        )
    elif share is None and suitable is None:
        found.append(Reason("height_unknown", "Chưa rõ chiều cao công trình", "Its height is not known"))
    elif share is None and not suitable:
        found.append(
            Reason(
                "too_low",
                f"Cao {_metres_vi(candidate.top_m)} so với {_metres_vi(asked_m)} đề xuất; không so sánh được vùng phủ",
                f"{candidate.top_m:g} m high where {asked_m:g} m are asked for; its coverage could not be compared",
            )
        )
    return tuple(found)


def _metres_vi(value: float | None) -> str:
    return "—" if value is None else f"{decimal_vi(value, 1)} m"


def around(number: Mapping[str, int], radius_m: float) -> tuple[Reason, ...]:
    """Return what stands within the radius; `number` counts candidates by their room."""
    radius = f"{radius_m:.0f} m"
    if not any(number.values()):
        return (
            Reason(
                "no_candidates",
                f"Không có cột, trạm nào trong bán kính {radius}",
                f"There is no structure within {radius}",
            ),
        )
    found = Reason(
        "candidates",
        f"Trong bán kính {radius}: {number['free']} công trình còn chỗ, {number['full']} đã đầy, "
        f"{number['unknown']} chưa rõ sức chứa",
        f"Within {radius}: {number['free']} structure(s) with room, {number['full']} full, "
        f"{number['unknown']} of unknown capacity",
    )
    if not number["unknown"]:
        return (found,)
    unknown = Reason(
        "capacity_unknown",
        "Công trình chưa rõ sức chứa không được coi là còn chỗ: hỏi chủ sở hữu",
        "A structure of unknown capacity is not taken as free: ask its owner",
    )
    return found, unknown


def not_fit(shares: Sequence[float | None], any_fit: bool, min_height_share: float) -> tuple[Reason, ...]:
    """Return why nothing of what has room is advised; `shares` are theirs of the proposal's people."""
    if any_fit or not shares:
        return ()
    computed = [s for s in shares if s is not None]
    if computed:
        best = 100 * max(computed)
        return (
            Reason(
                "serves_in_part",
                f"Công trình còn chỗ tốt nhất chỉ phục vụ {best:.0f} % số dân mà cột đề xuất phục vụ",
                f"The best structure with room serves {best:.0f} % of the people the proposal would",
            ),
        )
    low = 100 * min_height_share
    return (
        Reason(
            "lower_than_asked",
            f"Công trình còn chỗ có chiều cao chưa rõ hoặc thấp hơn {low:.0f} % chiều cao đề xuất",
            f"What has room is of unknown height or lower than {low:.0f} % of the height asked for",
        ),
    )


def near_duplicate(near: Candidate) -> Reason:
    """Return that a structure stands next door."""
    return Reason(
        "near_duplicate",
        f"Cách {near.structure} chỉ {near.distance_m:.0f} m; hai cột cạnh nhau không phải là dùng chung",
        f"Only {near.distance_m:.0f} m from {near.structure}; two towers side by side are not sharing",
    )


def already_here(operator: str, near: Candidate) -> Reason:
    """Return that the operator itself is next door."""
    return Reason(
        "operator_already_here",
        f"{operator} đã có mặt tại {near.structure}",
        f"{operator} is already at {near.structure}",
    )


def of_place(findings: Sequence[Finding]) -> tuple[Reason, ...]:
    """Return what rules of the place say that is more than ok, the gravest first."""
    order = ("refuse", "needs_approval", "unknown", "warning")
    told = [f for status in order for f in findings if f.status == status]
    return tuple(Reason(f"place_{f.status}", f.vi, f.en) for f in told)


def of_coverage(proposed: Reach | None, purpose: Purpose, compared: bool) -> tuple[Reason, ...]:
    """Return whom the proposal reaches, or that nobody computed it."""
    if proposed is None:
        return (
            Reason(
                "coverage_not_compared",
                "Chưa so sánh vùng phủ sóng từ công trình hiện có với vị trí đề xuất",
                "The radio coverage of the candidates is not yet compared with that of the proposal",
            ),
        )
    people, villages = proposed.people(purpose), len(proposed.villages_gained)
    if people <= 0:
        return (
            Reason(
                "reaches_nobody",
                "Theo mô hình, cột đề xuất không phục vụ thêm người dân nào cho mục đích này",
                "By the model the proposal serves nobody more for this purpose",
            ),
        )
    found = Reason(
        "coverage_gained",
        f"Theo mô hình, cột đề xuất phục vụ {'' if purpose == 'capacity' else 'thêm '}{people:.0f} người, "
        f"thêm {villages} thôn được phủ",
        f"By the model the proposal serves {people:.0f} {'' if purpose == 'capacity' else 'more '}people and "
        f"{villages} more village(s) are covered",
    )
    alone = Reason(
        "no_candidate_compared",
        "Không có công trình nào trong bán kính được tính vùng phủ để so sánh",
        "No structure within the radius could be compared by its coverage",
    )
    return (found,) if compared else (found, alone)
