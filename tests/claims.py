"""Thresholds of claims, as the tests of the parts pin them."""

from __future__ import annotations

from collections.abc import Iterable

from steering_core.publishing.claims import Claim

Bounds = tuple[float | None, float | None]


def thresholds_of(claims: Iterable[Claim]) -> dict[tuple[str, str], Bounds]:
    """Least and most of every rule that decides, by the claim's id and the part."""
    return {
        (claim.id, part): (rule.at_least, rule.at_most)
        for claim in claims
        for part, rule in claim.rules.items()
    }
