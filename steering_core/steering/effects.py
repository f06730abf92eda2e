"""What steering did, from the completions of many trials: gains, costs, and how sure they are.

Every run has the same trials as the unsteered one, drawn with the same random numbers. Measures are
of pairs, and their intervals draw prompts again, each with all its targets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units

TRIAL = ["source", "target", "text"]
PROMPT = ["source", "text"]
Values = Float[np.ndarray, "trials columns"]


@dataclass(frozen=True)
class Effects:
    """Runs by name, each a table with a row a trial, indexed by source, target and text."""

    runs: Mapping[str, pd.DataFrame]

    @classmethod
    def of(cls, table: pd.DataFrame, model: str) -> Effects:
        """Those of one model, out of the table of the study.

        Raises:
            ValueError: a model that the table does not have.
        """
        own = table[table.model == model]
        if len(own) == 0:
            raise ValueError(f"model: got {model!r}; {', '.join(table.model.unique())} are allowed")
        return cls({str(name): rows.set_index(TRIAL) for name, rows in own.groupby("run")})

    def without(self, target: str) -> Effects:
        """The same runs but for the trials that are steered towards one target."""
        rest: dict[str, Any] = {
            name: rows[rows.index.get_level_values("target") != target]
            for name, rows in self.runs.items()
        }
        return Effects(rest)

    def trials(
        self,
        *wanted: tuple[str, str],
        source: str | None = None,
        target: str | None = None,
    ) -> pd.DataFrame:
        """Columns of runs, side by side over the trials that all of these runs have.

        Args:
            wanted: pairs of a run and a column of it.
            source: take the trials of one source genre only.
            target: take the trials of one target genre only.

        Raises:
            ValueError: an unknown run, or no trial in common.
        """
        for run, _ in wanted:
            if run not in self.runs:
                raise ValueError(f"run: got {run!r}; allowed are {', '.join(self.runs)}")
        joined: Any = pd.concat(
            [self.runs[run][column] for run, column in wanted], axis=1, join="inner"
        )
        for level, only in (("source", source), ("target", target)):
            if only is not None:
                joined = joined[joined.index.get_level_values(level) == only]
        if len(joined) == 0:
            raise ValueError(f"wanted: got {wanted}, which have no trial in common")
        return joined

    def columns(self, *wanted: tuple[str, str], **only: Any) -> Values:
        """The numbers of `trials`."""
        return self.trials(*wanted, **only).to_numpy(float)


def over_prompts(trials: Any, statistic: Callable[[Any], Any] = np.mean) -> Measured:
    """A statistic over trials with its 99% bootstrap interval over prompts; a prompt is drawn with
    all of its targets, which share its words.

    Args:
        trials: a frame or series indexed by source, target and text.
        statistic: (n_trials, ...) -> a number.
    """
    rows = trials.to_numpy(float)
    of_prompt = list(trials.groupby(level=PROMPT).indices.values())

    def of(drawn: np.ndarray) -> float:
        return float(statistic(rows[np.concatenate([of_prompt[i] for i in drawn])]))

    return over_units(np.arange(len(of_prompt)), of)


def gain(effects: Effects, run: str, *, of: str = "target", **only: Any) -> Measured:
    """Stems of the target's lexicon (or the source's) a completion, steered less unsteered."""
    column = f"{of}_stems"
    values = effects.trials((run, column), ("unsteered", column), **only)
    return over_prompts(values, lambda v: float((v[:, 0] - v[:, 1]).mean()))


def perplexity_ratio(effects: Effects, run: str, **only: Any) -> Measured:
    """exp of the mean difference in surprise: the geometric mean over prompts of the ratio."""
    values = effects.trials((run, "nats"), ("unsteered", "nats"), **only)
    return over_prompts(values, lambda v: math.exp((v[:, 0] - v[:, 1]).mean()))


def distinct_ratio(effects: Effects, run: str, **only: Any) -> Measured:
    """Mean distinct-2 over that of the unsteered completions."""
    values = effects.trials((run, "distinct"), ("unsteered", "distinct"), **only)
    return over_prompts(values, lambda v: float(v[:, 0].mean() / v[:, 1].mean()))


def difference(effects: Effects, run: str, other: str, column: str = "target_stems") -> Measured:
    """Mean of a column in one run less that in another, over the same trials."""
    values = effects.trials((run, column), (other, column))
    return over_prompts(values, lambda v: float((v[:, 0] - v[:, 1]).mean()))


def gain_share(effects: Effects, run: str, other: str, *, less: float = 0.0) -> Measured:
    """The gain of one run over the gain of another, less a number."""
    runs = (run, other, "unsteered")
    values = effects.trials(*[(name, "target_stems") for name in runs])

    def share(v: Values) -> float:
        gained, other_gained = (float((v[:, i] - v[:, 2]).mean()) for i in (0, 1))
        return gained / other_gained - less

    return over_prompts(values, share)


def changes(effects: Effects, run: str) -> Float[np.ndarray, " trials"]:
    """By how many target stems each completion differs from the unsteered one."""
    values = effects.columns((run, "target_stems"), ("unsteered", "target_stems"))
    return values[:, 0] - values[:, 1]


def wrong_way_ratio(effects: Effects, run: str) -> Measured:
    """Share of prompts that lose target stems, over the share that a second unsteered draw does."""
    runs = (run, "again", "unsteered")
    values = effects.trials(*[(name, "target_stems") for name in runs])

    def ratio(v: Values) -> float:
        lost, lost_again = (float((v[:, i] < v[:, 2]).mean()) for i in (0, 1))
        return lost / lost_again

    return over_prompts(values, ratio)


def no_gain_share(effects: Effects, run: str) -> Measured:
    """Share of prompts whose completion has no more target stems than the unsteered one."""
    values = effects.trials((run, "target_stems"), ("unsteered", "target_stems"))
    return over_prompts(values, lambda v: float((v[:, 0] <= v[:, 1]).mean()))


def works(effects: Effects, run: str, **only: Any) -> dict[str, Measured]:
    """I-6, I-7, I-8: gain and cost of a run."""
    return {
        "gain": gain(effects, run, **only),
        "perplexity": perplexity_ratio(effects, run, **only),
        "distinct": distinct_ratio(effects, run, **only),
    }


def rank(nulls: pd.DataFrame, model: str, null: str) -> Measured:
    """Place of the true vector's gain among those of its null, 1 for the first; ties count against.

    Raises:
        ValueError: a model or null that the table does not have.
    """
    own: Any = nulls[nulls.model == model]
    true, drawn = own[own.null == "none"].gain, own[own.null == null].gain
    if len(true) != 1 or len(drawn) == 0:
        raise ValueError(f"null: got {null!r} of model {model!r}, which the table does not have")
    return Measured(1.0 + int((drawn >= true.iloc[0]).sum()), len(drawn))


def second(measures: Mapping[str, Measured]) -> dict[str, Measured]:
    """The same under the names of the second model's parts."""
    return {f"{part}_second": measured for part, measured in measures.items()}
