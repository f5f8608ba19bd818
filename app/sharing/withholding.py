"""Which figures are kept from callers who do not read every row. Pure: plain arrays in, masks out.

The rule. A group (commune, side, kind of owner, the province itself) is small when a definition counts fewer than
`min_objects` objects in its denominator while it has any at all, counted or unknown; a group with nothing is zero and
says so. A small group is withheld under every definition of its kind of object, since S3 would tell what S1 hides.

What is withheld must not come out as the total less the rest. So within every total that is told, either no group is
withheld, or at least two are which together have `min_objects` objects: the next smallest groups are withheld too
until that holds. Totals overlap for communes: the urban and the rural figure are told as well, so this is kept within
each told side, and within all sides together that are not told.

Former communes lie inside today's, and communes inside districts: `app.sharing.geographies` keeps figures on one
geography from giving away those of another.

What this does not stop: two dates between which a single object appeared, and former geographies of two days, or the
sides on two sets of boundaries, between which a single object moved. A restricted object is in no figure that others
are told, so no comparison leads to one.
"""

from __future__ import annotations

import numpy as np

from app.sharing.figures import Bools, Ints

REASON = {
    "vi": "Không công bố: quá ít đối tượng, hoặc từ đây suy ra được nhóm có quá ít đối tượng",
    "en": "Withheld: too few objects, or a group with too few could be worked out from it",
}
NOT_YOURS = {
    "vi": "Không công bố: số liệu riêng của doanh nghiệp khác",
    "en": "Withheld: another organisation's own figure",
}


def small(objects: Ints, unknown: Ints, min_objects: int) -> Bools:
    """Return which groups have an object but too few in any definition's denominator; parameters as `withheld`."""
    found: Bools = np.any(((objects + unknown) > 0) & (objects < min_objects), axis=0)
    return found


def withheld(objects: Ints, unknown: Ints, min_objects: int, *blocks: Ints) -> Bools:
    """Return which groups are withheld, shape (groups,).

    Parameters
    ----------
    objects, unknown : ndarray of int64, shape (definitions, groups)
        Objects in the denominator of each definition, and those in none of whose state is unknown.
    min_objects : int
        Fewer are not told; 0 withholds nothing.
    *blocks : ndarray of int64, shape (groups,)
        Number of the told total that each group is a part of, for each way in which totals are told.
    """
    any_there = (objects + unknown) > 0
    held = small(objects, unknown, min_objects)
    before = -1
    while before != (before := int(held.sum())):  # what one way adds may call for more in another
        for block in blocks:
            for number in np.unique(block[held]):
                while (more := _next(objects, any_there, min_objects, held, block == number)) is not None:
                    held[more] = True
    return held


def _next(objects: Ints, any_there: Bools, min_objects: int, held: Bools, inside: Bools) -> int | None:
    """Return the group to withhold next so that none inside can be worked out, None when it is enough."""
    for counted, there in zip(objects, any_there, strict=True):
        hidden = held & inside & there
        if not hidden.any() or (hidden.sum() >= 2 and counted[hidden].sum() >= min_objects):
            continue
        rest = np.flatnonzero(~held & inside & there)
        if rest.size:
            return int(rest[np.argmin(counted[rest])])
    return None
