"""What follows from told figures: whether one more sum lets somebody work out a small one. Pure linear algebra.

Figures are sums over atoms, the smallest sets of objects that no told figure divides. A withheld figure comes out as a
combination of told ones exactly when its row of zeros and ones is a combination of theirs, whatever the numbers are.
"""

from __future__ import annotations

import numpy as np

from app.sharing.figures import Bools, Floats

_SAME = 1e-9


class Inference:
    """Sums told so far and secrets that must not follow from them.

    Parameters
    ----------
    atoms : int
        Number of atoms.
    """

    def __init__(self, atoms: int) -> None:
        self._basis: Floats = np.zeros((0, atoms))
        # Of each secret, what the told sums do not explain: nothing left means it is known.
        self._secrets: Floats = np.zeros((0, atoms))

    def keep(self, secrets: Bools) -> None:
        """Add secrets, rows of shape (secrets, atoms); what follows from the told sums already is no secret."""
        rows = self._left(secrets.astype(np.float64))
        self._secrets = np.vstack([self._secrets, rows[(rows**2).sum(axis=1) > _SAME]])

    def tell(self, total: Bools, *, anyway: bool = False) -> bool:
        """Count the sum of shape (atoms,) as told and return True; False when a secret would follow from it.

        Parameters
        ----------
        anyway : bool
            It is told already: what follows from it is no secret any more.
        """
        row = total.astype(np.float64)
        # Twice: one pass of Gram and Schmidt leaves rounding behind.
        fresh = self._left(self._left(row[None, :]))[0]
        length = float(np.sqrt((fresh**2).sum()))
        if length**2 <= _SAME:
            return True  # nothing new
        fresh /= length
        left = self._secrets - np.outer(self._secrets @ fresh, fresh)
        known = (left**2).sum(axis=1) <= _SAME
        if known.any() and not anyway:
            return False
        self._basis = np.vstack([self._basis, fresh])
        self._secrets = left[~known]
        return True

    def _left(self, rows: Floats) -> Floats:
        return rows - (rows @ self._basis.T) @ self._basis
