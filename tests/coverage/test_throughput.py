"""The attenuated and truncated Shannon bound, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.coverage.throughput import (
    Shannon,
    Uplink,
    downlink_mbps,
    level_needed_dbm,
    noise_dbm,
    uplink_level_needed_dbm,
)

MODEL = Shannon(0.6, -10.0, 4.4, 7.0, 3.0, {"3G": 1.0, "4G": 1.0, "5G": 0.75})


def test_seventy_on_twenty_megahertz() -> None:
    # Noise over 20 MHz: -174 + 73.0103 + 7 + 3 = -90.9897 dBm. 70 Mb/s are 3.5 bit/s/Hz: S = 2^(3.5/0.6) - 1 = 56.02,
    # 17.4834 dB. The channel is then at -73.5063 dBm, its reference signal 30.8 dB below.
    assert noise_dbm(20.0, MODEL) == pytest.approx(-90.9897, abs=1e-4)
    needed = float(level_needed_dbm(70, "4G", 20.0, 30.8, MODEL))
    assert needed == pytest.approx(-104.3064, abs=2e-4)
    assert downlink_mbps(needed, "4G", 20.0, 30.8, MODEL) == pytest.approx(70)
    assert downlink_mbps(-60.0, "4G", 20.0, 30.8, MODEL) == pytest.approx(88), "4.4 bit/s/Hz and not more"
    assert level_needed_dbm(88, "4G", 20.0, 30.8, MODEL) < -97
    assert level_needed_dbm(88.1, "4G", 20.0, 30.8, MODEL) == math.inf


def test_other_technologies() -> None:
    # 5G: 75 of 100 MHz for downlink, 0.9333 bit/s/Hz, S = 2^1.5556 - 1 = 1.9395, 2.877 dB over -84 dBm.
    assert level_needed_dbm(70, "5G", 100.0, 35.2, MODEL) == pytest.approx(-116.323, abs=1e-3)
    assert level_needed_dbm(70, "3G", 5.0, 10.0, MODEL) == math.inf, "5 MHz carry 22 Mb/s at most"
    assert level_needed_dbm(0.1, "2G", 0.2, 0.0, MODEL) == math.inf, "not named: no such service"
    assert downlink_mbps(-50.0, "2G", 0.2, 0.0, MODEL) == 0


def test_nothing_under_the_least_ratio() -> None:
    floor = -90.9897 - 30.8 - 10
    assert downlink_mbps([floor - 0.01, -np.inf], "4G", 20.0, 30.8, MODEL).tolist() == [0, 0]
    assert downlink_mbps(floor + 0.01, "4G", 20.0, 30.8, MODEL) == pytest.approx(1.654, abs=0.01)
    assert level_needed_dbm(0.5, "4G", 20.0, 30.8, MODEL) == pytest.approx(floor, abs=1e-3)


UP = Uplink(0.4, -10.0, 2.0, 5.0, 3.0, 23.0, 17.0, {"4G": 1.0, "5G": 0.25})


def test_the_phone_is_heard_over_the_same_path() -> None:
    # 10 Mb/s over 20 MHz: 0.5 bit/s/Hz, S = 2^(0.5/0.4) - 1 = 1.3784, 1.394 dB; noise -174 + 73.010 + 5 + 3 =
    # -92.990. The station must hear -91.596 dBm of 23 + 17 dBm: the path may take 131.596 dB. A cell of 31.2 dBm is
    # then at -100.396 dBm.
    assert uplink_level_needed_dbm(10, "4G", 20.0, 31.2, UP) == pytest.approx(-100.396, abs=2e-3)
    assert uplink_level_needed_dbm(10, "4G", 20.0, 34.2, UP) == pytest.approx(-97.396, abs=2e-3), (
        "a louder cell, the same path"
    )
    assert uplink_level_needed_dbm(40, "4G", 20.0, 31.2, UP) < np.inf
    assert uplink_level_needed_dbm(40.1, "4G", 20.0, 31.2, UP) == np.inf
    assert uplink_level_needed_dbm(0.1, "2G", 0.2, 31.2, UP) == np.inf, "not named: no such service"


def test_a_phone_takes_no_more_of_the_channel_than_it_needs() -> None:
    # 0.1 Mb/s at the least ratio of -10 dB, 0.4 log2(1.1) = 0.0550 bit/s/Hz: 1.818 MHz, however wide the channel.
    narrow, wide = (float(uplink_level_needed_dbm(0.1, "4G", w, 31.2, UP)) for w in (5.0, 20.0))
    noise = -174 + 10 * math.log10(0.1e6 / (0.4 * math.log2(1.1))) + 8
    assert narrow == wide == pytest.approx(-10 + noise - 40 + 31.2, abs=1e-6)
    assert uplink_level_needed_dbm(1, "5G", 100.0, 31.2, UP) > uplink_level_needed_dbm(1, "4G", 100.0, 31.2, UP)


def test_read_from_policy() -> None:
    value = {"alpha": 0.6, "snr_min_db": -10, "max_bps_hz": 4.4, "noise_figure_db": 7, "interference_margin_db": 3,
             "downlink_share": {"3G": 1, "4G": 1, "5G": 0.75}}  # fmt: skip
    assert Shannon.of(value) == MODEL


@given(st.floats(0.1, 80), st.sampled_from([5.0, 10.0, 15.0, 20.0]))
def test_there_and_back(rate: float, width: float) -> None:
    needed = level_needed_dbm(rate, "4G", width, 30.8, MODEL)
    if np.isfinite(needed):
        assert downlink_mbps(needed + 1e-9, "4G", width, 30.8, MODEL) >= rate * (1 - 1e-9)
        wider = level_needed_dbm(rate, "4G", 20.0, 30.8, MODEL)
        assert wider <= needed + 10 * math.log10(20 / width) + 1e-9, "more bandwidth never asks for more per hertz"
    else:
        assert rate > 4.4 * width
