"""What the maps draw, as tables: for the CSV beside a figure, and for the page."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from steering_core.superposition.activation_measures import cells
from steering_core.superposition.dimension_measures import Runs, explained_features, over_axis
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import EXTRA_ONLY, FIRST_ONLY, PHASES_OF_TWO
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.trained import TrainedDiagram

ONE_FEATURE = (FIRST_ONLY, EXTRA_ONLY)


def phase_table(diagrams: Mapping[str, PhaseDiagram]) -> pd.DataFrame:
    """Every cell of every diagram with two features as a row, in six significant digits."""
    frames = []
    for activation, d in diagrams.items():
        density, importance = np.meshgrid(d.densities, d.importances, indexing="ij")
        columns = {
            "density": density,
            "importance": importance,
            "w_first": d.weights[..., 0, 0],
            "w_extra": d.weights[..., 0, 1],
            "b_first": d.bias[..., 0],
            "b_extra": d.bias[..., 1],
            "loss": d.loss,
            "r_first": d.represented[..., 0],
            "r_extra": d.represented[..., 1],
            "margin": d.margin,
        }
        flat = {k: [float(f"{v:.6g}") for v in np.asarray(c).ravel()] for k, c in columns.items()}
        frames.append(pd.DataFrame({"activation": activation, **flat, "phase": d.phase.ravel()}))
    return pd.concat(frames, ignore_index=True)


def areas_table(diagrams: Mapping[str, PhaseDiagram], threshold: float = 0.5) -> pd.DataFrame:
    """The share of cells in each phase of two features, in percent, an activation a row."""
    rows = {NAMES[a]: d.areas(threshold) for a, d in diagrams.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(PHASES_OF_TWO))
    return (100 * table.fillna(0.0)).round(1)


def trained_table(diagrams: Mapping[str, TrainedDiagram]) -> pd.DataFrame:
    """Every cell of every trained diagram as a row: the best restart, and where all ended."""
    frames = []
    for name, d in diagrams.items():
        density, importance = np.meshgrid(d.densities, d.importances, indexing="ij")
        ended = {
            f"restarts {phase}": d.share_of_restarts(phase) * d.restarts for phase in PHASES_OF_TWO
        }
        columns = {"density": density, "importance": importance, "best_loss": d.best_loss, **ended}
        flat = {key: np.asarray(column).ravel() for key, column in columns.items()}
        frames.append(pd.DataFrame({"diagram": name, **flat, "phase": d.phase().ravel()}))
    return pd.concat(frames, ignore_index=True)


def sparse_table(diagrams: Mapping[str, TrainedDiagram], below: float = 0.1) -> pd.DataFrame:
    """In percent, an activation a row: how many of the cells sparser than `below` keep one feature
    by their best restart, and how many of the single runs in them do."""
    rows = {}
    for name, d in diagrams.items():
        sparse = (d.densities < below).numpy()
        rows[NAMES[name]] = {
            "cells, best restart": np.isin(d.phase()[sparse], ONE_FEATURE).mean(),
            "single runs": np.isin(d.restart_phase[sparse], ONE_FEATURE).mean(),
        }
    return (100 * pd.DataFrame.from_dict(rows, orient="index")).round(1)


def map_table(diagram: PhaseDiagram) -> pd.DataFrame:
    """The cells of one exact diagram, with any number of features."""
    density, importance = np.meshgrid(diagram.densities, diagram.importances, indexing="ij")
    return pd.DataFrame(
        {
            "density": density.ravel(),
            "importance": importance.ravel(),
            "loss": diagram.loss.numpy().ravel(),
            "phase": diagram.phase.ravel(),
        }
    )


def gram_table(best: Mapping[str, Tensor], densities: Sequence[float]) -> pd.DataFrame:
    """Every entry of W of the models (D, m, n) of each activation as a row; W^T W follows."""
    frames = []
    for activation, weights in best.items():
        d, m, n = np.indices(weights.shape).reshape(3, -1)
        columns = {"density": np.asarray(densities)[d], "coordinate": m, "feature": n}
        values = weights.flatten().numpy().round(4)
        frames.append(pd.DataFrame({"activation": activation, **columns, "weight": values}))
    return pd.concat(frames, ignore_index=True)


def cells_table(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds, and how many seeds, of some columns of the study of ten features."""
    rows = []
    for model in dict.fromkeys(table["model"]):
        of_model = {name: cells(table, model, name) for name in columns}
        for density in of_model[columns[0]].index:
            values = {name: cell.loc[density].to_numpy(float) for name, cell in of_model.items()}
            means = {name: round(float(each.mean()), 5) for name, each in values.items()}
            seeds = len(values[columns[0]])
            rows.append({"model": model, "density": density, **means, "seeds": seeds})
    return pd.DataFrame(rows)


def curves_table(
    live: Mapping[str, np.ndarray], studied: Mapping[str, Runs], published: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """D* of every activation and density: published, the published recipe, and ours live."""
    frames = [
        pd.DataFrame(
            {
                "activation": name,
                "density": runs.densities,
                "published": published[name],
                "published recipe": runs.curve().round(5),
                "ours": np.asarray(live[name]).round(5),
            }
        )
        for name, runs in studied.items()
    ]
    return pd.concat(frames, ignore_index=True)


def solu_table(outputs: Runs, axes: pd.DataFrame, published: np.ndarray) -> pd.DataFrame:
    """D* of SoLU with its softmax over outputs, models and inputs, beside the published one."""
    return pd.DataFrame(
        {
            "density": outputs.densities,
            "published": published,
            "over outputs": outputs.curve().round(5),
            "over outputs, short recipe": over_axis(axes, "outputs").curve().round(5),
            "over models": over_axis(axes, "models").curve().round(5),
            "over inputs": over_axis(axes, "inputs").curve().round(5),
        }
    )


def dimensionality_table(
    densities: Sequence[float], dimensionalities: Sequence[np.ndarray]
) -> pd.DataFrame:
    """D_i of every feature at every density."""
    return pd.concat(
        [
            pd.DataFrame({"density": float(d), "feature": range(len(v)), "D_i": v.round(5)})
            for d, v in zip(densities, dimensionalities, strict=True)
        ],
        ignore_index=True,
    )


def inflation_table(runs: Mapping[str, Runs]) -> pd.DataFrame:
    """What stands behind D*, mean over seeds."""
    columns = ("dimensions", "capacity", "squared_norm", "represented")
    return pd.concat(
        [
            pd.DataFrame(
                {"activation": name, "density": one.densities}
                | {column: one.column(column).mean(1).round(5) for column in columns}
                | {"explained": explained_features(one).mean(1).round(5)}
            )
            for name, one in runs.items()
        ],
        ignore_index=True,
    )
