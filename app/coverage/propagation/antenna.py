"""Antenna pattern of a sector: 3GPP TR 38.901 table 7.3-1."""

from __future__ import annotations

from app.coverage.compiled import kernel

MAX_ATTENUATION_DB = 30.0
"""A_max and SLA_V of the table."""


@kernel
def attenuation_db(off_azimuth_deg: float, off_tilt_deg: float, beamwidth_deg: float, vertical_deg: float) -> float:
    """Return how far below the beam's maximum the antenna radiates, 0 to 30 dB.

    Parameters
    ----------
    off_azimuth_deg : float
        Direction of the receiver minus the azimuth, degrees; any turn.
    off_tilt_deg : float
        Angle of depression of the receiver minus the tilt, degrees.
    beamwidth_deg, vertical_deg : float
        Half-power beam widths; a horizontal one of 0 or of 360 and more is omnidirectional.
    """
    vertical = min(12.0 * (off_tilt_deg / vertical_deg) ** 2, MAX_ATTENUATION_DB)
    if beamwidth_deg <= 0.0 or beamwidth_deg >= 360.0:
        return vertical
    turn = (off_azimuth_deg + 180.0) % 360.0 - 180.0
    horizontal = min(12.0 * (turn / beamwidth_deg) ** 2, MAX_ATTENUATION_DB)
    return min(horizontal + vertical, MAX_ATTENUATION_DB)
