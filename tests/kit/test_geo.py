import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.kit.geo import from_wgs84, geodesic_m, to_wgs84


def test_vn2000_vector_holds_to_one_centimetre() -> None:
    lon, lat = to_wgs84(561476.79, 1821306.80, "EPSG:9214")
    assert geodesic_m(lon, lat, 107.5776, 16.4667) < 0.01
    x, y = from_wgs84(107.5776, 16.4667, "EPSG:9214")
    assert (float(x), float(y)) == pytest.approx((561476.79, 1821306.80), abs=0.01)


def test_dropped_datum_shift_would_be_225_m() -> None:
    lon, lat = to_wgs84(561672.23, 1821194.76, "EPSG:9214")
    assert geodesic_m(lon, lat, 107.5776, 16.4667) == pytest.approx(225, abs=2)


@given(st.floats(107.0, 108.2), st.floats(16.0, 16.8))
def test_round_trip(lon: float, lat: float) -> None:
    back = to_wgs84(*from_wgs84(lon, lat, "EPSG:9214"), "EPSG:9214")
    assert np.hypot(back[0] - lon, back[1] - lat) < 1e-8


def test_unknown_crs_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        to_wgs84(0, 0, "EPSG:99999999")
    assert caught.value.field == "crs"
