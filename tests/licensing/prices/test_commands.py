"""`hatang prices` and `hatang load prices` on a database of their own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Hatang

HEAD = "owner,component,per,amount_vnd,declared_on,document,synthetic"


def test_load_list_and_compare(own_database: str, hatang: Hatang, tmp_path: Path) -> None:
    file = tmp_path / "gia.csv"
    rows = [f"{owner},mast,slot,{vnd},2026-01-01,KK,yes" for owner, vnd in (("VNPT", 6000000), ("VIETTEL", 4000000))]
    file.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    code, _, err = hatang("load", "prices", str(file))
    assert code == 0, err
    code, out, _ = hatang("prices", "list", "--owner", "vnpt", "--json")
    (price,) = json.loads(out)
    assert (code, price["vnd_month"], price["source"].startswith("SYNTHETIC: gia.csv")) == (0, 6e6, True)
    assert "SYNTHETIC" in hatang("prices", "list")[1]
    target = tmp_path / "so-sanh.xlsx"
    code, out, _ = hatang("prices", "compare", "-o", str(target), "--json")
    (group,) = json.loads(out)["groups"]
    assert (code, group["declared"]["median"], group["declared"]["owners"]) == (0, 5e6, 2)
    assert target.read_bytes().startswith(b"PK")
    code, _, err = hatang("prices", "compare", "-o", str(tmp_path / "x.pdf"))
    assert code == 1
    assert ".xlsx" in err
    file.write_text(f"{HEAD}\nNOBODY,mast,slot,1,2026-01-01,KK,yes", encoding="utf-8")
    code, out, _ = hatang("load", "prices", str(file), "--json")
    assert code == 1
    assert "unknown_organisation" in out
