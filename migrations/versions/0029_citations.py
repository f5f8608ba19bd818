"""The policy an appraisal rests on is cited in Vietnamese too: "[mark] Vietnamese · English"."""

import sqlalchemy as sa
import yaml
from alembic import op

from app.config import DATA

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def _change(forward: bool) -> None:
    # By the file the rows came from; a citation an officer has written is none of its, and stays.
    rows = yaml.safe_load((DATA / "plan" / "parameters.yaml").read_text(encoding="utf-8"))
    for kind in ("colocation", "constraints"):
        for name, row in rows[kind].items():
            mark, _, words = row["citation"].partition(" ")
            texts = f"{mark} {words.partition(' · ')[2]}", row["citation"]
            before, after = texts if forward else texts[::-1]
            op.get_bind().execute(
                sa.text("""UPDATE policy.parameter SET citation = :after
                           WHERE kind = :kind AND name = :name AND citation = :before"""),
                {"kind": kind, "name": name, "before": before, "after": after},
            )


def upgrade() -> None:
    _change(forward=True)


def downgrade() -> None:
    _change(forward=False)
