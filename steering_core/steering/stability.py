"""Do two models from different seeds decide a claim alike?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from steering_core.publishing.claims import Measured
from steering_core.publishing.ledger import declared

SUFFIX = "_second"


def stability(measured: Mapping[str, Mapping[str, Measured]]) -> pd.DataFrame:
    """Outcome of each deciding rule on both models, and whether it is the same.

    Args:
        measured: claim -> part -> measurement; of a part and of the part with `_second` behind it.

    Returns:
        A row for each claim and part that was measured on both.

    Raises:
        ValueError: a claim that is not declared.
    """
    known = declared()
    rows = []
    for id, parts in measured.items():
        if id not in known:
            raise ValueError(f"measured: got claim {id!r}, which is not declared")
        for part, rule in known[id].rules.items():
            if {part, part + SUFFIX} <= set(parts):
                first, second = (parts[name] for name in (part, part + SUFFIX))
                outcomes = [rule.outcome(one) for one in (first, second)]
                rows.append(
                    {
                        "claim": id,
                        "part": part,
                        "first seed": round(first.value, 3),
                        "outcome": outcomes[0],
                        "second seed": round(second.value, 3),
                        "its outcome": outcomes[1],
                        "stable": "yes" if outcomes[0] == outcomes[1] else "no",
                    }
                )
    return pd.DataFrame(rows)
