"""Looking at trained models of many features: the best of the seeds, what it represents, D*."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.superposition.bottleneck import TrainedBottleneck
from steering_core.superposition.geometry import dimensions_per_feature
from steering_core.superposition.sampled import explained, sampled_errors


def errors_of(trained: TrainedBottleneck) -> Float[Tensor, "A D I S n"]:
    """E (x_i - x'_i)^2 of every model, on the same 20,000 inputs for all of a density."""
    each = [
        torch.stack(
            [
                sampled_errors(
                    trained.weights[a, d], trained.bias[a, d], activation=name, density=density
                )
                for d, density in enumerate(trained.densities.tolist())
            ]
        )
        for a, name in enumerate(trained.activations)
    ]
    return torch.stack(each)


def best_of_seeds(trained: TrainedBottleneck) -> dict[str, Float[Tensor, "D m n"]]:
    """For every activation and density, the weights of the seed with the lowest loss.

    Raises:
        ValueError: several rows of importances.
    """
    if len(trained.importance) != 1:
        raise ValueError(f"importance: got {len(trained.importance)} rows; allowed is one")
    loss = (errors_of(trained) * trained.importance[:, None]).sum(-1)[:, :, 0]  # (A, D, S)
    best = loss.argmin(-1)
    where = torch.arange(len(trained.densities))
    return {
        name: trained.weights[a, where, 0, best[a]] for a, name in enumerate(trained.activations)
    }


def dimension_curves(trained: TrainedBottleneck) -> dict[str, Float[np.ndarray, " D"]]:
    """D* of every activation at every density, mean over seeds and rows."""
    dimensions = dimensions_per_feature(trained.weights).mean((2, 3))
    return {name: dimensions[a].numpy() for a, name in enumerate(trained.activations)}


def represented_cosines(
    trained: TrainedBottleneck, activation: str, density: float
) -> Float[np.ndarray, " k"]:
    """The cosines of all pairs of represented features (r_i > 1/2), over all seeds.

    Raises:
        ValueError: an activation or a density that was not trained.
    """
    if activation not in trained.activations:
        raise ValueError(f"activation: got {activation!r}; allowed are {trained.activations}")
    levels = trained.densities.tolist()
    if density not in levels:
        raise ValueError(f"density: got {density}; allowed are {levels}")
    a, d = trained.activations.index(activation), levels.index(density)
    weights, bias = trained.weights[a, d].flatten(0, 1), trained.bias[a, d].flatten(0, 1)
    errors = sampled_errors(weights, bias, activation=activation, density=density)
    cosines = []
    for w, seen in zip(weights, explained(errors, density) > 0.5, strict=True):
        kept = w[:, seen] / w[:, seen].norm(dim=0)
        upper = torch.triu_indices(kept.shape[1], kept.shape[1], offset=1)
        cosines.append((kept.mT @ kept)[upper[0], upper[1]])
    return torch.cat(cosines).numpy()
