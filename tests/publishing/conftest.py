"""A package with a few claims, measured in part, for the tests of what is drawn from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import steering_core
from steering_core.publishing import Measured, claim
from steering_core.publishing.ledger import ledger

CLAIMS = """
from steering_core.publishing import Claim, Rule

def one(id, **more):
    given = dict(
        origin="source", source="A work", statement=f"Small < large, {id}.", scope="toy",
        rules={"share": Rule("share", at_least=0.5)}, setting="seeds 0 to 9",
    )
    return Claim(id=id, **(given | more))

CLAIMS = (
    one("II-10"),
    one("I-G1", scope="GPT-2 XL"),
    one("II-2", beside={"gap": Rule("gap", at_most=0.1)},
        refuted_by={"share": Rule("share", at_most=0.2)},
        changes=("2026-01-02: wider, for a reason",)),
    one("I-10", origin="ours", source="this book"),
    one("II-1"),
    one("I-2"),
)
"""


@pytest.fixture
def small_ledger(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """The ledger's entries of six claims: I-2 and II-1 reproduced, II-2 refuted, I-10 holds."""
    package = tmp_path / "package"
    (package / "one").mkdir(parents=True)
    (package / "one" / "claims.py").write_text(CLAIMS)
    monkeypatch.setattr(steering_core, "__path__", [str(package)])
    good = Measured(0.7, 30, (0.6, 0.8), "cells")
    for id in ("I-2", "I-10", "II-1"):
        claim(id, "a-figure", share=good)
    claim("II-2", "b-figure", share=Measured(0.1, 40), gap=Measured(0.05, 40))
    return ledger(published)
