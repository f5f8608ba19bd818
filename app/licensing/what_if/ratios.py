"""The sharing ratios of a scenario: towers added, shared or taken away on paper. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.sharing.figures import Ints, Ratio
from app.sharing.ratios import Sites, distinct, site_ratios


@dataclass(frozen=True)
class Registered:
    """Positions as they are: what the ratios take, and the pairs (row, party) of radio operators present."""

    sites: Sites
    row: Ints
    party: Ints


@dataclass(frozen=True)
class Changes:
    """What a scenario does; rows are indexes of `Registered`, parties those of its pairs.

    `gone` are rows taken away whole, `left` pairs of a row and the party that leaves it, `shared` pairs of a row and
    the party that joins it, `new` the parties of new positions, one each.
    """

    gone: Sequence[int] = ()
    left: Sequence[tuple[int, int]] = ()
    shared: Sequence[tuple[int, int]] = ()
    new: Sequence[int] = ()


def ratios(now: Registered, changes: Changes) -> dict[str, Ratio]:
    """Return S1 to S4 after the changes.

    A position whose last operator leaves stays, known to be empty; new ones are no neutral hosts, and whether they
    offer sharing is not known.
    """
    size, fresh = now.sites.k.size, len(changes.new)
    present = set(zip(now.row.tolist(), now.party.tolist(), strict=True))
    # Who was not known to be there leaves nothing behind that is known.
    left, gone = present & set(changes.left), set(changes.gone)
    pairs = {p for p in present if p[0] not in gone} - left
    pairs |= set(changes.shared) | {(size + n, party) for n, party in enumerate(changes.new)}
    row, party = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    touched = np.zeros(size + fresh, bool)
    touched[[r for r, _ in (*left, *changes.shared)]] = True
    touched[size:] = True

    def longer(values: np.ndarray, more: int | bool) -> np.ndarray:
        return np.append(values, np.full(fresh, more, values.dtype))

    k = distinct(row, party, size + fresh)
    keep = np.ones(size + fresh, bool)
    keep[list(changes.gone)] = False
    sites = replace(
        now.sites, k=k[keep], known=(longer(now.sites.known, True) | touched | (k > 0))[keep],
        neutral_host=longer(now.sites.neutral_host, False)[keep],
        sharing_offered=longer(now.sites.sharing_offered, -1)[keep],
    )  # fmt: skip
    return site_ratios(sites)
