"""Every finding an import can report: its severity and its words. An error refuses the file, a warning does not."""

from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING = "error", "warning"


class Kind(NamedTuple):
    """Severity and messages; {column}, {value} and {hint} are filled in."""

    severity: str
    vi: str
    en: str


CATALOGUE: dict[str, Kind] = {
    # the shape of the file
    "ragged_row": Kind(
        ERROR, "Số ô của dòng khác với tiêu đề: {hint}", "The row has not as many cells as the header: {hint}"
    ),
    "missing_column": Kind(
        ERROR, "Thiếu cột bắt buộc {column}. {hint}", "The required column {column} is missing. {hint}"
    ),
    "missing_value": Kind(ERROR, "Thiếu giá trị ở cột {column}", "The column {column} is empty"),
    # single values
    "bad_text": Kind(ERROR, "Cột {column} chứa ký tự điều khiển", "The column {column} holds control characters"),
    "bad_code": Kind(ERROR, "Mã không hợp lệ: {hint}", "The code is not valid: {hint}"),
    "not_a_number": Kind(ERROR, "Cột {column} cần một số", "The column {column} needs a number"),
    "not_finite": Kind(ERROR, "Cột {column} là NaN hoặc vô cực", "The column {column} is NaN or infinite"),
    "not_an_integer": Kind(ERROR, "Cột {column} cần số nguyên", "The column {column} needs a whole number"),
    "ambiguous_number": Kind(
        ERROR,
        "Không rõ dấu phẩy là phần nghìn hay phần thập phân; hãy viết {hint}",
        "The comma may part thousands or decimals; write {hint}",
    ),
    "negative": Kind(ERROR, "Cột {column} không được âm", "The column {column} may not be negative"),
    "out_of_range": Kind(ERROR, "Cột {column} ngoài khoảng cho phép {hint}", "The column {column} is outside {hint}"),
    "bad_boolean": Kind(ERROR, "Cột {column} cần có/không", "The column {column} needs yes/no"),
    "bad_date": Kind(
        ERROR, "Ngày không hợp lệ; dùng dd/mm/yyyy hoặc yyyy-mm-dd", "Not a date; use dd/mm/yyyy or yyyy-mm-dd"
    ),
    "bad_moment": Kind(
        ERROR,
        "Thời điểm không hợp lệ; dùng dd/mm/yyyy hh:mm:ss hoặc yyyy-mm-dd hh:mm:ss (không ghi múi giờ là giờ Việt Nam)",
        "Not a time; use dd/mm/yyyy hh:mm:ss or yyyy-mm-dd hh:mm:ss (Viet Nam's time unless it has an offset)",
    ),
    "bad_choice": Kind(ERROR, "Giá trị không có trong danh mục: {hint}", "Not among the allowed values: {hint}"),
    "bad_list": Kind(ERROR, "Không đọc được danh sách: {hint}", "The list cannot be read: {hint}"),
    "valid_order": Kind(ERROR, "valid_to phải sau valid_from", "valid_to must be after valid_from"),
    # references
    "unknown_organisation": Kind(
        ERROR, "Không có tổ chức {value!r}. {hint}", "There is no organisation {value!r}. {hint}"
    ),
    "unknown_commune": Kind(ERROR, "Không có xã/phường {value!r}. {hint}", "There is no commune {value!r}. {hint}"),
    "ambiguous_commune": Kind(
        ERROR, "Nhiều xã/phường cùng tên {value!r}; dùng mã", "Several communes are called {value!r}; use the code"
    ),
    "unknown_parent": Kind(
        ERROR,
        "Không có đơn vị cha {value!r} vào ngày đó. {hint}",
        "There is no parent unit {value!r} on that day. {hint}",
    ),
    "unknown_unit": Kind(
        ERROR, "Không có đơn vị {value!r} vào ngày đó. {hint}", "There is no unit {value!r} on that day. {hint}"
    ),
    "unknown_village": Kind(ERROR, "Không có thôn {value!r}. {hint}", "There is no village {value!r}. {hint}"),
    "unknown_type_code": Kind(
        ERROR, "Mã loại không có trong danh mục: {hint}", "The type code is not in the list: {hint}"
    ),
    "radio_needs_operator": Kind(
        ERROR, "has_radio chỉ dành cho loại 'operator'", "Only the kind 'operator' may have has_radio"
    ),
    "no_radio": Kind(
        ERROR, "Tổ chức không khai thác mạng vô tuyến: {hint}", "The organisation runs no radio network: {hint}"
    ),
    # duplicates
    "duplicate_in_file": Kind(
        ERROR, "Mã {value!r} lặp lại trong tệp: {hint}", "The code {value!r} occurs twice in the file: {hint}"
    ),
    "duplicate_in_registry": Kind(
        ERROR,
        "Mã {value!r} đã có trong sổ với thời gian hiệu lực trùng nhau (--update để cập nhật)",
        "The code {value!r} is already in the registry for overlapping dates (--update to update it)",
    ),
    "update_twice": Kind(
        ERROR,
        "Nhiều dòng của tệp cập nhật cùng một bản ghi {value!r}",
        "Several rows of the file would update the one record {value!r}",
    ),
    # units and their reforms
    "ends_earlier": Kind(
        WARNING,
        "Đơn vị đang mang mã {value!r} hết hiệu lực từ ngày đơn vị mới bắt đầu: {hint}",
        "The unit that bears the code {value!r} ends on the day the new one begins: {hint}",
    ),
    "share_over": Kind(
        ERROR, "Tổng các phần của đơn vị {value!r} vượt quá 1: {hint}", "The shares of {value!r} exceed 1: {hint}"
    ),
    "share_short": Kind(
        ERROR,
        "Đơn vị {value!r} hết hiệu lực nhưng tổng các phần chưa đủ 1: {hint}",
        "The unit {value!r} ends, but its shares do not add up to 1: {hint}",
    ),
    "share_rest": Kind(
        WARNING,
        "Tổng các phần của {value!r} nhỏ hơn 1: phần còn lại ở lại đơn vị này, đơn vị vẫn còn hiệu lực. {hint}",
        "The shares of {value!r} are less than 1: the rest stays with it, and it lives on. {hint}",
    ),
    "ended_twice": Kind(
        ERROR,
        "Đơn vị {value!r} đã hết hiệu lực vào ngày khác: {hint}",
        "The unit {value!r} ends on another day already: {hint}",
    ),
    "succession_loop": Kind(
        ERROR,
        "Đơn vị {value!r} không thể nhận phần nào: chính tệp này cho nó hết hiệu lực. {hint}",
        "The unit {value!r} cannot take anything: this very file ends it. {hint}",
    ),
    "name_differs": Kind(
        WARNING,
        "Tên {value!r} khác tên của đơn vị mang mã này vào ngày đó: {hint}",
        "The name {value!r} is not that of the unit with this code on that day: {hint}",
    ),
    "no_successor": Kind(
        WARNING,
        "Đơn vị {value!r} không đi vào đơn vị nào trong cuộc sắp xếp: {hint}",
        "The unit {value!r} goes into no other at this reform: {hint}",
    ),
    "village_unit_unknown": Kind(
        WARNING,
        "Chưa rõ thôn {value!r} thuộc đơn vị nào sau khi chia tách: cần ranh giới của các đơn vị mới",
        "Which unit the village {value!r} is in after the split is unknown: the new boundaries are needed",
    ),
    # position
    "no_position": Kind(
        ERROR,
        "Tệp không có vị trí: cần hình học, hoặc lon/lat, hoặc x/y kèm --crs",
        "The file has no position: it needs a geometry, or lon/lat, or x/y with --crs",
    ),
    "crs_needed": Kind(
        ERROR, "Cần khai báo hệ toạ độ bằng --crs, ví dụ {hint}", "State the coordinate system with --crs, e.g. {hint}"
    ),
    "crs_conflict": Kind(
        ERROR,
        "--crs khác với hệ toạ độ ghi trong tệp: {hint}",
        "--crs contradicts the system the file declares: {hint}",
    ),
    "missing_geometry": Kind(ERROR, "Dòng không có vị trí", "The row has no position"),
    "empty_geometry": Kind(ERROR, "Hình học rỗng", "The geometry is empty"),
    "unreadable_geometry": Kind(ERROR, "Không đọc được hình học", "The geometry cannot be read"),
    "wrong_geometry": Kind(ERROR, "Sai loại hình học: {hint}", "Wrong kind of geometry: {hint}"),
    "invalid_geometry": Kind(ERROR, "Hình học không hợp lệ: {hint}", "The geometry is not valid: {hint}"),
    "bad_coordinate": Kind(ERROR, "Không đọc được toạ độ ở cột {column}", "The coordinate in {column} cannot be read"),
    "coordinate_not_finite": Kind(ERROR, "Toạ độ là NaN hoặc vô cực", "A coordinate is NaN or infinite"),
    "swapped_axes": Kind(ERROR, "Hai trục toạ độ có vẻ bị đổi chỗ; {hint}", "The two axes look swapped; {hint}"),
    "degrees_in_metres": Kind(
        ERROR,
        "Giá trị là độ nhưng hệ toạ độ tính bằng mét; thử --crs EPSG:4326",
        "The values are degrees, but the system is in metres; try --crs EPSG:4326",
    ),
    "metres_in_degrees": Kind(
        ERROR,
        "Giá trị là mét nhưng hệ toạ độ tính bằng độ; thử {hint}",
        "The values are metres, but the system is in degrees; try {hint}",
    ),
    "wrong_zone": Kind(
        ERROR,
        "Điểm nằm ngoài tỉnh, nhưng nằm trong tỉnh nếu dùng {hint}: có thể sai múi chiếu (--accept-outside nếu đúng)",
        "The point is outside the province, and inside it with {hint}: wrong zone? (else --accept-outside)",
    ),
    "outside_country": Kind(ERROR, "Điểm nằm ngoài Việt Nam: {hint}", "The point is outside Viet Nam: {hint}"),
    "outside_province": Kind(
        WARNING, "Điểm cách ranh giới tỉnh hơn 2 km: {hint}", "The point is more than 2 km outside the province: {hint}"
    ),
    # what the attributes say of one another
    "type_contradicts": Kind(
        WARNING,
        "Mã khai báo {value} mâu thuẫn với thuộc tính đo được: {hint}",
        "The declared code {value} contradicts the measured attributes: {hint}",
    ),
    "partner_unknown": Kind(
        WARNING,
        "Mã dùng chung {value} nói là có chia sẻ nhưng không ghi với ai (cột tenants): tỷ lệ chưa tính được",
        "The sharing code {value} says it is shared, but not with whom (column tenants): it cannot be counted",
    ),
    "length_differs": Kind(
        WARNING,
        "Chiều dài khai báo lệch hơn 20 % so với bản đồ: {hint}",
        "The declared length is over 20 % off the map: {hint}",
    ),
    "too_short": Kind(ERROR, "Đoạn ngắn hơn 1 m: {hint}", "The segment is shorter than 1 m: {hint}"),
    "same_manhole": Kind(ERROR, "Hai đầu cùng một bể cáp", "Both ends are the same manhole"),
    "ports_exceeded": Kind(ERROR, "ports_used lớn hơn ports_total", "ports_used is greater than ports_total"),
    "tenants_exceed_capacity": Kind(
        WARNING, "Số đơn vị thuê vượt sức chứa: {hint}", "More tenants than the capacity: {hint}"
    ),
    "no_commune": Kind(
        WARNING,
        "Không rõ thôn thuộc xã/phường nào: không nằm trong xã/phường nào đang hiệu lực",
        "The commune of the village is unknown: it lies in none that is in force",
    ),
    # prices and contracts
    "per_contradicts": Kind(
        ERROR, "Đơn vị tính {value} không dùng cho hạng mục này; chọn {hint}", "{value} is no unit of this; use {hint}"
    ),
    "kind_needs_structure": Kind(
        ERROR, "Loại cột {value} chỉ dùng cho nhà trạm, cột ăng ten, nguồn", "The kind {value} is of structures only"
    ),
    "two_places": Kind(
        ERROR, "Chọn đô thị/nông thôn hoặc một xã, phường, không cả hai", "Town or country, or one commune; not both"
    ),
    "priced_twice": Kind(
        ERROR, "Đã có giá cho đúng hạng mục này vào thời gian đó: {hint}", "The same is priced for these days: {hint}"
    ),
    "one_party": Kind(ERROR, "Bên cho thuê và bên thuê là một: {value}", "Lessor and lessee are the same: {value}"),
    "one_object": Kind(
        ERROR,
        "Mỗi dòng có đúng một trong structure, pole, duct, street; dòng này có: {hint}",
        "A row has exactly one of structure, pole, duct, street; this one has: {hint}",
    ),
    "component_contradicts": Kind(
        ERROR,
        "Hạng mục {value} không thuộc loại đối tượng này; chọn {hint}",
        "{value} is not of such a thing; use {hint}",
    ),
    "not_the_lessors": Kind(
        ERROR,
        "{value!r} không phải của bên cho thuê vào ngày hợp đồng bắt đầu",
        "{value!r} is not the lessor's on the day the contract begins",
    ),
    "contract_differs": Kind(
        ERROR,
        "Các dòng của hợp đồng {value!r} khác nhau về bên thuê hoặc ngày",
        "The rows of contract {value!r} differ in lessee or days",
    ),
    "item_twice": Kind(
        ERROR, "Hợp đồng {value!r} ghi hai lần cùng một đối tượng", "The contract {value!r} covers one thing twice"
    ),
    # measurements
    "in_future": Kind(
        ERROR,
        "Thời điểm {value} chưa đến; kiểm tra thứ tự ngày/tháng và múi giờ. {hint}",
        "{value} is still to come; check the order of day and month and the time zone. {hint}",
    ),
    "nothing_measured": Kind(
        ERROR,
        "Dòng không có số đo nào; cần mức thu (rsrp_dbm) hoặc tốc độ tải xuống (downlink_mbps)",
        "The row measures nothing; it needs a level (rsrp_dbm) or a downlink rate (downlink_mbps)",
    ),
    "measured_before": Kind(
        WARNING,
        "Mẫu đo này đã có: {hint}; không nạp lần nữa",
        "This sample is there already: {hint}; it is not loaded again",
    ),
    # constraints
    "bad_rule": Kind(ERROR, "Quy tắc không hợp lệ: {hint}", "The rule is not valid: {hint}"),
    "shape_of_kind": Kind(
        ERROR,
        "Hình học không hợp với loại ràng buộc: {hint}",
        "The geometry does not fit the kind of constraint: {hint}",
    ),
}
