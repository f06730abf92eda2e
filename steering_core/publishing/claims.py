"""What a claim is, and how measurements decide it.

Pure logic: no files, no rendering, no list of claims. Each part of the package declares its claims
as a tuple `CLAIMS` in `steering_core.<part>.claims`, or in one `<chapter>_claims` a chapter, with
thresholds that are committed before the first run which could show their outcome;
`publishing.ledger` gathers them and records measurements.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Outcome = Literal["holds", "fails", "inconclusive", "not run"]
Verdict = Literal[
    "reproduced", "not reproduced", "refuted", "holds", "fails", "inconclusive", "not run"
]
Origin = Literal["source", "ours"]
Scope = Literal["toy", "shipped LM", "GPT-2 XL", "published data"]

_CLAIM_ID = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_NOT_PARTS = ("id", "figure")  # keywords of `publishing.claim` beside the parts


@dataclass(frozen=True)
class Measured:
    """One measured number.

    Attributes:
        value: the measurement, finite.
        n: how many independent units (cells, seeds, texts) stand behind it, at least 1.
        interval: its 99% interval over those units; None says that the value is exact: no sampling.
        unit: what the value is counted in, for the page; empty for a pure number.
    """

    value: float
    n: int
    interval: tuple[float, float] | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        _require_finite("value", self.value)
        if isinstance(self.n, bool) or int(self.n) != self.n or self.n < 1:
            raise ValueError(f"n is {self.n!r}; a whole number of at least 1 is allowed")
        # Numpy and torch scalars become plain numbers, so that records are JSON.
        object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "n", int(self.n))
        if self.interval is not None:
            object.__setattr__(self, "interval", _checked_interval(self.interval))

    @property
    def exact(self) -> bool:
        """Whether nothing was sampled, so that there is no interval."""
        return self.interval is None


@dataclass(frozen=True)
class Rule:
    """A threshold, or a band, that a measured number must respect; the bounds belong to it.

    Attributes:
        measure: what is measured, in words that read well before ": at least 0.1".
        at_least: the lower threshold, if there is one.
        at_most: the upper threshold, if there is one; one of the two is needed.
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        _require_text("measure", self.measure)
        if self.at_least is None and self.at_most is None:
            raise ValueError("at_least and at_most are both None; give one or both")
        for name in ("at_least", "at_most"):
            if getattr(self, name) is not None:
                _require_finite(name, getattr(self, name))
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(
                f"at_least is {self.at_least}; at most at_most={self.at_most} is allowed"
            )

    @property
    def in_words(self) -> str:
        """The rule as a reader sees it."""
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return f"{self.measure}: " + " and ".join(f"{w} {b:g}" for w, b in bounds if b is not None)

    def margin(self, value: float) -> float:
        """Signed distance from `value` to the nearest threshold; negative where the rule fails."""
        above = math.inf if self.at_least is None else value - self.at_least
        below = math.inf if self.at_most is None else self.at_most - value
        return min(above, below)

    def outcome(self, measured: Measured) -> Outcome:
        """Whether the rule holds for all of the interval, for none of it, or only for some."""
        low, high = measured.interval or (measured.value, measured.value)
        if self.margin(low) >= 0 and self.margin(high) >= 0:
            return "holds"
        too_low = self.at_least is not None and high < self.at_least
        too_high = self.at_most is not None and low > self.at_most
        return "fails" if too_low or too_high else "inconclusive"


@dataclass(frozen=True)
class Claim:
    """A statement that measurements can decide.

    Attributes:
        id: as in the ledger, such as "II-12".
        origin: "source" for a claim of a source work, "ours" for one of this project.
        source: the work and section that make the claim.
        statement: the claim, in a sentence.
        rules: name of a part -> the rule for its measurement; the claim holds when all do.
        again: the same rules over a second pretrained model, which decide too (see `outcome`).
        one_model: why no second model was measured; such a claim is inconclusive at most. A claim
            on the shipped LM has this or `again`.
        scope: what the result speaks of; one on the shipped LM says nothing about GPT-2 XL.
        setting: the decision setting (target, density, layer, seeds).
        refuted_by: what would have to be true instead, over the same or other parts; with `again`,
            on both models.
        beside: rules over further parts that are shown beside the claim and decide nothing.
        changes: dated, reasoned changes of a rule after its first result.
    """

    id: str
    origin: Origin
    source: str
    statement: str
    rules: Mapping[str, Rule]
    scope: Scope
    setting: str
    refuted_by: Mapping[str, Rule] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    beside: Mapping[str, Rule] = field(default_factory=dict)
    again: Mapping[str, Rule] = field(default_factory=dict)
    one_model: str = ""

    def __post_init__(self) -> None:
        if not _CLAIM_ID.fullmatch(self.id):
            raise ValueError(f"id is {self.id!r}; letters and digits joined by '-' are allowed")
        _require_choice("origin", self.origin, get_args(Origin))
        _require_choice("scope", self.scope, get_args(Scope))
        for name in ("source", "statement", "setting"):
            _require_text(name, getattr(self, name))
        if not self.rules:
            raise ValueError(f"rules of claim {self.id} is empty; at least one rule is needed")
        if twice := sorted(set(self.beside) & {*self.rules, *self.again, *self.refuted_by}):
            raise ValueError(f"beside of claim {self.id} has {twice}, which decide it already")
        self._check_second_model()
        for part in self.parts:
            if not part.isidentifier() or part in _NOT_PARTS:
                raise ValueError(
                    f"rules of claim {self.id} name the part {part!r}; "
                    f"a Python identifier other than {' and '.join(_NOT_PARTS)} is allowed"
                )

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts that can be measured, those of the rules first."""
        return tuple(dict.fromkeys((*self.rules, *self.again, *self.beside, *self.refuted_by)))

    def rule_of(self, part: str) -> Rule:
        """The rule over `part`: that of the claim, else one beside it or of its refutation."""
        return {**self.refuted_by, **self.beside, **self.again, **self.rules}[part]

    def outcome(self, measured: Mapping[str, Measured]) -> Outcome:
        """The outcome of the whole claim, from the measurements made so far.

        It is that of the rules; inconclusive where a second pretrained model has another, or where
        there is none to ask.
        """
        first = _joint_outcome(self.rules, measured)
        return "inconclusive" if self.why_inconclusive(measured) else first

    def why_inconclusive(self, measured: Mapping[str, Measured]) -> str:
        """Why the second pretrained model, or the want of one, leaves the claim inconclusive, in
        words; empty where it does not.
        """
        first = _joint_outcome(self.rules, measured)
        second = _joint_outcome(self.again, measured)
        if first == "not run":
            return ""
        if self.one_model:
            return f"one pretrained model alone: {first}; {self.one_model}"
        if self.again and second != first:
            return f"the second pretrained model: {second}; the first: {first}"
        return ""

    def verdict(self, measured: Mapping[str, Measured]) -> Verdict:
        """What the outcome means: for a claim of a source work, whether it was reproduced."""
        outcome = self.outcome(measured)
        if self.origin == "ours" or outcome in ("inconclusive", "not run"):
            return outcome
        if outcome == "holds":
            return "reproduced"
        refuted = self.refuted_by and _joint_outcome(self.refuted_by, measured) == "holds"
        return "refuted" if refuted else "not reproduced"

    def margin(self, measured: Mapping[str, Measured]) -> float | None:
        """The smallest margin of the measured rules, on either model; None before the first
        measurement.
        """
        deciding = {**self.again, **self.rules}.items()
        return min(
            (r.margin(measured[p].value) for p, r in deciding if p in measured), default=None
        )

    def _check_second_model(self) -> None:
        if self.scope == "shipped LM" and not self.again and not self.one_model.strip():
            raise ValueError(
                f"again and one_model of claim {self.id} are both empty; a claim on the shipped LM "
                "has its rules again on a second model, or says why not"
            )
        if self.again and self.one_model:
            raise ValueError(f"one_model of claim {self.id} is given beside again; give one")
        if twice := sorted(set(self.again) & set(self.rules)):
            raise ValueError(f"again of claim {self.id} has {twice}, which are parts of its rules")
        if self.again and _bounds(self.again) != _bounds(self.rules):
            raise ValueError(
                f"again of claim {self.id} has the thresholds {_bounds(self.again)}; those of its "
                f"rules, {_bounds(self.rules)}, are allowed"
            )


def repeated(rules: Mapping[str, Rule], *, suffix: str, subject: str) -> dict[str, Rule]:
    """The same rules over another subject, such as a second model.

    suffix: `part` becomes `part_suffix`.
    subject: stands in front of each measure.
    """
    return {
        f"{part}_{suffix}": replace(rule, measure=f"{subject}: {rule.measure}")
        for part, rule in rules.items()
    }


def second_model(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The same rules over the model that was pretrained from another seed, for `again`."""
    return repeated(rules, suffix="second", subject="second pretrained seed")


def _bounds(rules: Mapping[str, Rule]) -> list[tuple[float | None, float | None]]:
    return [(rule.at_least, rule.at_most) for rule in rules.values()]


def _joint_outcome(rules: Mapping[str, Rule], measured: Mapping[str, Measured]) -> Outcome:
    outcomes: set[Outcome] = {
        rule.outcome(measured[part]) if part in measured else "not run"
        for part, rule in rules.items()
    }
    decisive: tuple[Outcome, ...] = ("fails", "not run", "inconclusive")
    for outcome in decisive:
        if outcome in outcomes:
            return outcome
    return "holds"


def _checked_interval(interval: tuple[float, float]) -> tuple[float, float]:
    if len(interval) != 2:
        raise ValueError(f"interval is {interval!r}; a pair (low, high) is allowed")
    low, high = interval
    _require_finite("interval", low)
    _require_finite("interval", high)
    if low > high:
        raise ValueError(f"interval is {interval!r}; low must not lie above high")
    return float(low), float(high)


def _require_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}; a finite number is allowed")


def _require_text(name: str, value: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is {value!r}; a text that is not empty is allowed")


def _require_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name} is {value!r}; one of {', '.join(allowed)} is allowed")
