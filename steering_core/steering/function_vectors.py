"""What centring does to published function vectors, and whether it goes with anisotropy.

The independent unit is the task. There are only six, so an interval over tasks is wide, and a
percentile bootstrap of six units still tends to be too narrow: that an interval keeps clear of zero
says that these tasks agree, and little of tasks at large. Layers share tasks and neighbouring
layers resemble each other; they are not counted as units.

A table is one as `published.published_function_vectors` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units

GPT_J = "gpt-j-6b"
LLAMA_2 = "llama-2-7b"
RESAMPLES = 10_000
CONFIDENCE = 0.99


def gain(table: pd.DataFrame, model: str, layer: int) -> Measured:
    """Accuracy with centring minus without, at one layer: mean over tasks of the mean over seeds.

    The two accuracies of a difference share the seed. The 99% interval is a two-level bootstrap:
    tasks are drawn, then seeds within each drawn task. n is the number of tasks, six as published.

    Raises:
        ValueError: a model or layer that the table does not have; fewer than two tasks; a task
            without some seed or layer.
    """
    differences = _gains(table, model, [layer])[:, 0]
    return Measured(differences.mean(), len(differences), _interval_over_tasks(differences))


def gain_by_layer(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each model and layer: `uncentred`, `centred` and `gain`, the means over tasks.

    Each has the ends of its 99% interval in `..._low` and `..._high`, drawn as in `gain`. Those of
    the accuracies are wide because tasks differ in difficulty; centring is judged by the gain's.

    Raises:
        ValueError: fewer than two tasks; a task without some seed or layer.
    """
    rows = []
    for model in table["model"].unique():
        layers = _layers(table, model)
        uncentred = _grid(table, "uncentred", model, layers)
        centred = _grid(table, "centred", model, layers)
        measures = {"uncentred": uncentred, "centred": centred, "gain": centred - uncentred}
        for index, layer in enumerate(layers):
            row: dict[str, str | int | float] = {"model": model, "layer": layer}
            for name, grid in measures.items():
                row[name] = float(grid[:, index].mean())
                row[f"{name}_low"], row[f"{name}_high"] = _interval_over_tasks(grid[:, index])
            rows.append(row)
    return pd.DataFrame(rows)


def gain_by_task(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each model and layer, and each task's gain from centring there, the mean over
    seeds.

    Raises:
        ValueError: fewer than two tasks; a task without some seed or layer.
    """
    parts = []
    for model in table["model"].unique():
        layers = _layers(table, model)
        tasks = sorted(table.loc[table["model"] == model, "task"].unique())
        gains = pd.DataFrame(_gains(table, model, layers).mean(-1).T, columns=tasks)
        parts.append(gains.assign(model=model, layer=layers)[["model", "layer", *tasks]])
    return pd.concat(parts, ignore_index=True)


def gain_against_cosine(table: pd.DataFrame, cosine: pd.DataFrame) -> Measured:
    """Correlation over GPT-J's layers of the mean gain with the mean cosine of activations.

    The 99% interval draws tasks and takes the correlation anew; layers and cosines stay. n is the
    number of tasks, six as published, not of layers.

    Args:
        table: the function vectors.
        cosine: `block` and `mean_cosine`, as `published.published_gpt_j_cosine` gives.

    Raises:
        ValueError: fewer than three layers; a layer without a cosine; cosines that do not vary;
            fewer than two tasks; a task without some seed or layer.
    """
    gains, cosines, _ = _gains_and_cosines(table, cosine, least=3)
    return _over_tasks(gains, lambda mean_gain: _correlation(mean_gain, cosines))


def gain_against_cosine_given_depth(table: pd.DataFrame, cosine: pd.DataFrame) -> Measured:
    """The same correlation after a straight line over depth is taken from both: partial.

    Gain rises with depth and the cosine falls with it, so the plain correlation cannot tell the two
    apart. The interval and n are as in `gain_against_cosine`.

    Raises:
        ValueError: as there, with four layers needed, and cosines that lie on a line over depth.
    """
    gains, cosines, layers = _gains_and_cosines(table, cosine, least=4)
    rest = _without_line(cosines, layers)
    return _over_tasks(
        gains, lambda mean_gain: _correlation(_without_line(mean_gain, layers), rest)
    )


def _over_tasks(
    gains: Float[np.ndarray, "tasks layers"],
    of_mean: Callable[[Float[np.ndarray, " layers"]], float],
) -> Measured:
    """A function of the mean gain at each layer, with its interval over tasks."""
    return over_units(gains, lambda drawn: of_mean(drawn.mean(0)), resamples=RESAMPLES)


def _interval_over_tasks(values: Float[np.ndarray, "tasks seeds"]) -> tuple[float, float]:
    """The 99% interval of the mean: tasks are drawn, and seeds within each drawn task."""
    rng = np.random.default_rng(0)
    n_tasks, n_seeds = values.shape
    tasks = rng.integers(n_tasks, size=(RESAMPLES, n_tasks, 1))
    seeds = rng.integers(n_seeds, size=(RESAMPLES, n_tasks, n_seeds))
    means = values[tasks, seeds].mean((1, 2))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _gains_and_cosines(
    table: pd.DataFrame, cosine: pd.DataFrame, *, least: int
) -> tuple[
    Float[np.ndarray, "tasks layers"], Float[np.ndarray, " layers"], Float[np.ndarray, " layers"]
]:
    """GPT-J's gains (each the mean over seeds), the cosines at its layers, and the layers."""
    layers = _layers(table, GPT_J)
    if len(layers) < least:
        raise ValueError(f"table: got {len(layers)} layers of {GPT_J}; {least} are needed")
    of_block = cosine.set_index("block")["mean_cosine"]
    if absent := sorted(set(layers) - set(of_block.index)):
        raise ValueError(f"cosine: no block {', '.join(map(str, absent))}; {layers} are needed")
    gains = _gains(table, GPT_J, layers).mean(-1)
    return gains, of_block.loc[layers].to_numpy(float), np.array(layers, dtype=float)


def _correlation(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    x, y = x - x.mean(), y - y.mean()
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    if lengths < 1e-12:
        raise ValueError("gains or cosines do not vary, or not beside depth; no correlation exists")
    return float(x @ y) / lengths


def _without_line(
    y: Float[np.ndarray, " n"], x: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """What is left of y after its least-squares line over x."""
    x = x - x.mean()
    return y - y.mean() - x * (x @ y) / (x @ x)


def _gains(
    table: pd.DataFrame, model: str, layers: Sequence[int]
) -> Float[np.ndarray, "tasks layers seeds"]:
    centred, uncentred = (_grid(table, c, model, layers) for c in ("centred", "uncentred"))
    return centred - uncentred


def _grid(
    table: pd.DataFrame, column: str, model: str, layers: Sequence[int]
) -> Float[np.ndarray, "tasks layers seeds"]:
    """A column of some of a model's layers, tasks in order of name."""
    known = _layers(table, model)
    for layer in layers:
        if layer not in known:
            raise ValueError(f"layer: got {layer!r}; {known} are those of {model}")
    own = table.query("model == @model and layer in @layers")
    wide = own.pivot(index="task", columns=["layer", "seed"], values=column)
    n_seeds = len(set(own["seed"]))
    if len(wide) < 2:
        raise ValueError(f"table: got {len(wide)} task of {model}; at least two are needed")
    if wide.shape[1] != len(layers) * n_seeds or bool(wide.isna().to_numpy().any()):
        raise ValueError(f"table: a task of {model} lacks a layer or seed; all are needed")
    return wide.sort_index(axis=1).to_numpy(float).reshape(len(wide), len(layers), n_seeds)


def _layers(table: pd.DataFrame, model: str) -> list[int]:
    if model not in (known := table["model"].unique()):
        raise ValueError(f"model: got {model!r}; {', '.join(known)} are allowed")
    return sorted(table.loc[table["model"] == model, "layer"].unique().tolist())
