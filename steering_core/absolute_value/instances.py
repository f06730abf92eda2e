"""Every instance of the motif in trained models, and a hand-made one to look at."""

from dataclasses import asdict, fields
from typing import Any

import pandas as pd
import torch

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.inhibition import inhibition_cost
from steering_core.absolute_value.motifs import Motif, find_motifs
from steering_core.absolute_value.training import TrainedAbsoluteValue


def list_instances(trained: TrainedAbsoluteValue) -> pd.DataFrame:
    """A row for each instance in the models of the first density: seed, what `Motif` says, whether
    it passes the causal test, and `cost`, what the inhibition saves on inputs as they come."""
    density = trained.densities[0]
    rows = []
    for s, seed in enumerate(trained.seeds.tolist()):
        model = trained.model(0, s)
        for motif in find_motifs(*model, task=trained.task):
            cost = inhibition_cost(motif, *model, density=density, n_inputs=2_048)
            rows.append({"seed": seed, **asdict(motif), "causal": motif.causal, "cost": cost})
    names = ["seed", *(field.name for field in fields(Motif)), "causal", "cost"]
    return pd.DataFrame(rows, columns=names)


def first_with(trained: TrainedAbsoluteValue, rows: pd.DataFrame, count: int) -> Net:
    """The model of the first seed that has just so many instances, all of which are causal.

    Args:
        trained: the models.
        rows: `list_instances` of them.
        count: how many instances.

    Raises:
        ValueError: no model has.
    """
    found: Any = rows.groupby("seed")["causal"]
    fits = (found.size() == count) & (found.sum() == count)
    if not fits.any():
        raise ValueError(f"count: got {count}; allowed is a number that some model has")
    seed = int(fits.idxmax())
    place = trained.seeds.tolist().index(seed)
    return Net(trained.densities[0], seed, *trained.model(0, place))


def hand_made() -> Net:
    """The smallest model with the motif: features 0 (strong), 1 (weak), 2 (main), each with both
    sides, of which the positive ones of 0 and 1 share a neuron, in the source's proportions."""
    w_in, w_out = torch.zeros(5, 3), torch.zeros(3, 5)
    for neuron, (feature, sign) in enumerate([(0, -1), (1, -1), (2, 1), (2, -1)], start=1):
        w_in[neuron, feature], w_out[feature, neuron] = float(sign), 1.0
    w_in[0, :2] = torch.tensor([2.0, 0.5])
    w_out[:2, 0] = torch.tensor([0.5, 2.0])
    w_in[3, 0], w_out[1, 3] = 0.2, -25.0
    return Net(0.05, 0, w_in, w_out, torch.zeros(3))
