"""What the maps draw, as tables: for the CSV beside a figure, and for the page."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import PHASES_OF_TWO
from steering_core.superposition.plots.maps import COLOURS, NAMES
from steering_core.superposition.trained import TrainedDiagram


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
    """The share of cells in each phase, in percent, an activation a row."""
    rows = {NAMES[a]: d.areas(threshold) for a, d in diagrams.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").fillna(0.0)
    return (100 * table.reindex(columns=[n for n in COLOURS if n in table])).round(1)


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
