"""The claims that the parts declare are those of the specification, all of them and no other."""

from __future__ import annotations

from steering_core.publishing.ledger import declared
from steering_core.publishing.order import natural_order

LAST = {"I": 18, "II": 22, "III": 17, "IV": 21}
SPECIFIED = {
    *(f"{part}-{number}" for part, last in LAST.items() for number in range(1, last + 1)),
    *("I-G1", "I-G2", "I-G3"),
}


def test_every_specified_claim_is_declared_and_no_other() -> None:
    ids = set(declared())
    missing = sorted(SPECIFIED - ids, key=natural_order)
    extra = sorted(ids - SPECIFIED, key=natural_order)
    assert (missing, extra) == ([], []), f"missing: {missing}; not in the specification: {extra}"
