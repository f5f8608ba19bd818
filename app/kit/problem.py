"""Validation errors of pydantic as one problem in Vietnamese and English (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20

# Wording by pydantic's error type; {…} are its context values.
_VI: Mapping[str, str] = {
    "missing": "thiếu giá trị bắt buộc",
    "extra_forbidden": "không có tham số này",
    "int_parsing": "cần một số nguyên",
    "int_type": "cần một số nguyên",
    "int_from_float": "cần một số nguyên",
    "int_parsing_size": "số quá lớn",
    "float_parsing": "cần một số",
    "float_type": "cần một số",
    "finite_number": "cần một số hữu hạn",
    "bool_parsing": "cần true hoặc false",
    "bool_type": "cần true hoặc false",
    "string_type": "cần một chuỗi ký tự",
    "string_unicode": "chuỗi ký tự không hợp lệ",
    "string_too_long": "dài quá {max_length} ký tự",
    "string_too_short": "cần ít nhất {min_length} ký tự",
    "string_pattern_mismatch": "không đúng mẫu",
    "greater_than": "phải lớn hơn {gt}",
    "greater_than_equal": "phải lớn hơn hoặc bằng {ge}",
    "less_than": "phải nhỏ hơn {lt}",
    "less_than_equal": "phải nhỏ hơn hoặc bằng {le}",
    "literal_error": "phải là một trong: {expected}",
    "enum": "phải là một trong: {expected}",
    "too_long": "nhiều quá {max_length} phần tử",
    "too_short": "cần ít nhất {min_length} phần tử",
    "list_type": "cần một danh sách",
    "dict_type": "cần một đối tượng JSON",
    "model_attributes_type": "cần một đối tượng JSON",
    "json_invalid": "không phải JSON hợp lệ",
}


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the body for pydantic's `errors`: the first one on top, all (at most 20) in `errors`.

    What the caller sent is not repeated: it may be anything.
    """
    told = [_told(error) for error in errors[:MAX_ERRORS]]
    first = told[0]
    return {
        "type": f"urn:hatang:problem:{first['code']}",
        "title": f"{first['field']}: {first['en']}",
        "status": 422,
        "code": first["code"],
        "message": {"vi": f"{first['field']}: {first['vi']}", "en": f"{first['field']}: {first['en']}"},
        "field": first["field"],
        "errors": told,
    }


def _told(error: Mapping[str, Any]) -> dict[str, str]:
    location = [str(part) for part in error["loc"]]
    # "query", "path" or "body" comes first; a refusal of the whole body has nothing after it.
    field = ".".join(location[1:]) or location[0]
    if error["type"] == "json_invalid":  # what follows is a position in the text
        field = location[0]
    context = error.get("ctx", {})
    if error["type"] == "refused":
        field = context.get("field", field)
        return {"field": field, "code": context["code"], "vi": context["vi"], "en": context["en"]}
    vi = _VI.get(error["type"], "giá trị không hợp lệ").format_map(_Lenient(context))
    return {"field": _printable(field), "code": "invalid_request", "vi": vi, "en": _printable(error["msg"])}


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:300]


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
