"""3GPP TR 38.901 table 7.3-1 by hand."""

from __future__ import annotations

import pytest

from app.coverage.propagation.antenna import attenuation_db


@pytest.mark.parametrize(
    ("off_azimuth", "off_tilt", "expected_db"),
    [
        (0, 0, 0),
        (32.5, 0, 3),
        (-32.5, 0, 3),
        (0, 5, 3),
        (32.5, 5, 6),
        (180, 0, 30),
        (540, 0, 30),
        (359, 0, 12 / 65**2),
        (120, 90, 30),
    ],
)
def test_sector(off_azimuth: float, off_tilt: float, expected_db: float) -> None:
    assert attenuation_db(off_azimuth, off_tilt, 65.0, 10.0) == pytest.approx(expected_db)


@pytest.mark.parametrize("beamwidth", [0.0, 360.0])
def test_omni_keeps_its_vertical_pattern(beamwidth: float) -> None:
    assert attenuation_db(137.0, 0.0, beamwidth, 10.0) == 0
    assert attenuation_db(137.0, 5.0, beamwidth, 10.0) == pytest.approx(3)
