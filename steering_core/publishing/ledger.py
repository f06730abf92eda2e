"""The ledger: every declared claim with what was measured about it.

`claim` records measurements, one JSON file for each (claim, part), so that chapters can run in any
order and none overwrites another; `ledger` reads all of them back. Outcomes and verdicts are always
worked out from the values under the rules as they are declared now. This module does not decide
(`claims`) and does not draw (`cards`).
"""

from __future__ import annotations

import difflib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import steering_core
from steering_core.publishing.cards import ClaimCard
from steering_core.publishing.claims import Claim, Measured, Rule
from steering_core.publishing.files import published_folder, write_atomically
from steering_core.publishing.names import require_kebab_case

__all__ = ["ClaimCard", "claim", "declared", "ledger"]


def declared() -> dict[str, Claim]:
    """Every claim that a part of the package declares in its modules `*claims`, by id."""
    claims: dict[str, Claim] = {}
    own = Path(__file__).with_name("claims.py")
    for folder in steering_core.__path__:
        for file in sorted(Path(folder).glob("*/*claims.py")):
            for one in () if file.samefile(own) else _claims_in(file):
                if one.id in claims:
                    raise ValueError(
                        f"id {one.id!r} is declared twice, again in {file}; ids are unique"
                    )
                claims[one.id] = one
    return claims


def claim(id: str, figure: str, **parts: Measured) -> ClaimCard:
    """Record what was measured about some or all parts of a claim, and show where the claim stands.

    Args:
        id: a declared claim.
        figure: id of the figure that shows the measurements.
        parts: name of a part -> its measurement. Call once a page: the card carries an anchor.

    Raises:
        ValueError: a claim that is not declared, a part that it does not have, no part at all.
    """
    known = declared()
    if id not in known:
        nearest = difflib.get_close_matches(id, known, n=1, cutoff=0)
        hint = f"the nearest is {nearest[0]!r}" if nearest else "no claim is"
        raise ValueError(f"id is {id!r}, which is not declared; {hint}")
    require_kebab_case("figure", figure)
    _check_parts(known[id], parts)
    for part, measured in parts.items():
        record = _record(known[id], part, measured, figure)
        path = published_folder() / "claims" / id / f"{part}.json"
        write_atomically(path, json.dumps(record, indent=2, allow_nan=False) + "\n")
    return ClaimCard(_entry(known[id], published_folder()), tuple(parts))


def ledger(folder: Path | None = None) -> list[dict[str, Any]]:
    """Every declared claim with its recorded state, as plain JSON values.

    folder: the published folder to read; None for the present one.
    """
    source = published_folder() if folder is None else folder
    return [_entry(one, source) for one in declared().values()]


def _claims_in(file: Path) -> tuple[Claim, ...]:
    # Loaded by its file: importing the parts would load the libraries of all of them on every page.
    name = f"steering_core.{file.parent.name}.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} cannot be imported; a Python module is needed")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    claims = getattr(module, "CLAIMS", None)
    if not isinstance(claims, tuple) or not all(isinstance(one, Claim) for one in claims):
        raise ValueError(
            f"CLAIMS of {name} is {type(claims).__name__}; a tuple of Claim is allowed"
        )
    return claims


def _check_parts(one: Claim, parts: Mapping[str, object]) -> None:
    if not parts:
        raise ValueError(f"parts is empty; claim {one.id} has {', '.join(one.parts)}")
    for part, measured in parts.items():
        if part not in one.parts:
            raise ValueError(f"parts has {part!r}; claim {one.id} has {', '.join(one.parts)}")
        if not isinstance(measured, Measured):
            raise ValueError(f"{part} is a {type(measured).__name__}; a Measured is allowed")


def _record(one: Claim, part: str, measured: Measured, figure: str) -> dict[str, Any]:
    return {
        "claim": one.id,
        "part": part,
        **_part_state(one, part, measured),
        "figure": figure,
        "package_version": steering_core.__version__,
    }


def _part_state(one: Claim, part: str, measured: Measured) -> dict[str, Any]:
    against = one.refuted_by.get(part)
    return {
        "value": measured.value,
        "interval": list(measured.interval) if measured.interval else None,
        "exact": measured.exact,
        "n": measured.n,
        "unit": measured.unit,
        "margin": one.rule_of(part).margin(measured.value),
        "outcome": one.rule_of(part).outcome(measured),
        "refutation": against
        and {
            "margin": against.margin(measured.value),
            "outcome": against.outcome(measured),
        },
    }


def _read(path: Path) -> tuple[Measured, str]:
    record = json.loads(path.read_text())
    interval = tuple(record["interval"]) if record["interval"] else None
    return Measured(record["value"], record["n"], interval, record["unit"]), record["figure"]


def _entry(one: Claim, folder: Path) -> dict[str, Any]:
    paths = {part: folder / "claims" / one.id / f"{part}.json" for part in one.parts}
    recorded = {part: _read(path) for part, path in paths.items() if path.is_file()}
    measured = {part: value for part, (value, _) in recorded.items()}
    return {
        "id": one.id,
        "origin": one.origin,
        "source": one.source,
        "statement": one.statement,
        "rules": _rules(one.rules),
        "again": _rules(one.again),
        "beside": _rules(one.beside),
        "refuted_by": _rules(one.refuted_by),
        "scope": one.scope,
        "setting": one.setting,
        "parts": {
            part: {**_part_state(one, part, value), "figure": figure}
            for part, (value, figure) in recorded.items()
        },
        "outcome": one.outcome(measured),
        "verdict": one.verdict(measured),
        "why_inconclusive": one.why_inconclusive(measured),
        "margin": one.margin(measured),
        "changes": list(one.changes),
    }


def _rules(rules: Mapping[str, Rule]) -> dict[str, dict[str, Any]]:
    return {part: {"words": rule.in_words, **asdict(rule)} for part, rule in rules.items()}
