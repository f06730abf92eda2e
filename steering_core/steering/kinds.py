"""Kinds of steering vectors, made from the same texts: centred, paired, and the other usual ways.

Each is a function of the material, a source genre (that of the prompts), a target genre and the
half of the texts that the prompts are not from. Kinds that have no size of their own are scaled to
the norm of the centred vector at each layer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float64
from scipy.optimize import minimize
from torch import Tensor

from steering_core.steering.material import Half, Material
from steering_core.steering.vectors import introduce, isolate, mean_centre

Layers = Float64[Tensor, "layers d_model"]
Kind = Callable[[Material, str, str, Half], Layers]

RIDGE = 0.1  # of the mean variance, added to the diagonal before a covariance is inverted
WEIGHT_DECAY = 1.0  # of the logistic regression, on standardised activations


def uncentred(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """The target's mean as it is."""
    return material.mean(target)


def centred(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """Less the mean over training text (Jorgensen et al. 2023)."""
    return mean_centre(material.mean(target), material.centre)


def position_matched(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """Less the mean over training text, position by position.

    Raises:
        ValueError: material without a matched centre for the target.
    """
    if target not in material.matched:
        raise ValueError(f"material: no centre that is matched to {target!r} by position")
    return mean_centre(material.mean(target), material.matched[target])


def isolated(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """Less the mean over stories of ten other genres."""
    return isolate(material.mean(target), material.mean("stories"))


def introduced(material: Material, source: str, target: str, half: Half) -> Layers:
    """Less the mean over the prompts' own genre, from texts that no prompt is from."""
    return introduce(material.mean(target), material.mean(source, half))


def along_mean(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """What the uncentred vector has along the centre, and nothing else."""
    centre = material.centre
    share = (material.mean(target) * centre).sum(-1) / centre.square().sum(-1)
    return share[:, None] * centre


def of_all_texts(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """Centred on the mean over all texts of the book in place of training text."""
    return mean_centre(material.mean(target), material.all_texts)


def of_all_texts_at_norm(material: Material, source: str, target: str, half: Half) -> Layers:
    """The same, in the norm of the centred vector."""
    return _sized(of_all_texts(material, source, target, half), material, target)


def position_matched_at_norm(material: Material, source: str, target: str, half: Half) -> Layers:
    """Less the mean over training text position by position, in the norm of the centred vector."""
    return _sized(position_matched(material, source, target, half), material, target)


def isolated_at_norm(material: Material, source: str, target: str, half: Half) -> Layers:
    """Less the mean over stories, in the norm of the centred vector."""
    return _sized(isolated(material, source, target, half), material, target)


def uncentred_at_norm(material: Material, source: str, target: str, half: Half) -> Layers:
    """The target's mean, in the norm of the centred vector."""
    return _sized(uncentred(material, source, target, half), material, target)


def one_pair(material: Material, source: str, target: str, half: Half) -> Layers:
    """One text of the target less one of the source: the first of each (Turner et al. 2023)."""
    pair = material.text_means(target)[0] - material.text_means(source, half)[0]
    return _sized(pair, material, target)


def principal(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """The first principal direction of the differences between target and neutral texts, taken in
    order (Zou et al. 2023).
    """
    differences = material.text_means(target) - material.text_means("neutral")
    _, _, directions = torch.linalg.svd(differences.transpose(0, 1), full_matrices=False)
    return _sized(_towards(directions[:, 0], differences.mean(0)), material, target)


def logistic(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """The direction of a logistic regression that tells target texts from neutral ones."""
    ours, others = material.text_means(target), material.text_means("neutral")
    layers = range(ours.shape[1])
    found = torch.stack([logistic_direction(ours[:, k], others[:, k]) for k in layers])
    return _sized(found, material, target)


def whitened(material: Material, _source: str, target: str, _half: Half) -> Layers:
    """The difference of target and neutral texts over the covariance within both (Fisher 1936)."""
    ours, others = material.text_means(target), material.text_means("neutral")
    within = torch.cat([ours - ours.mean(0), others - others.mean(0)]).transpose(0, 1)
    covariance = within.mT @ within / within.shape[1]
    ridge = RIDGE * covariance.diagonal(dim1=1, dim2=2).mean(-1)
    eye = torch.eye(covariance.shape[-1], dtype=covariance.dtype)
    difference = (ours.mean(0) - others.mean(0))[..., None]
    found = torch.linalg.solve(covariance + ridge[:, None, None] * eye, difference)[..., 0]
    return _sized(found, material, target)


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        centred,
        uncentred,
        introduced,
        isolated,
        position_matched,
        one_pair,
        principal,
        logistic,
        whitened,
        along_mean,
        of_all_texts,
        uncentred_at_norm,
        isolated_at_norm,
        position_matched_at_norm,
        of_all_texts_at_norm,
    )
}


def logistic_direction(
    ours: Float64[Tensor, "n d_model"], others: Float64[Tensor, "k d_model"]
) -> Float64[Tensor, " d_model"]:
    """The weights of an L2-penalised logistic regression on standardised activations, in units of
    the activations.
    """
    x = torch.cat([ours, others])
    spread = x.std(0).clamp_min(1e-12)
    z = ((x - x.mean(0)) / spread).numpy()
    sign = np.concatenate([np.ones(len(ours)), -np.ones(len(others))])

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (z @ w[:-1] + w[-1])
        pull = -sign / (1 + np.exp(margin))
        penalty = WEIGHT_DECAY * w[:-1]
        value = np.logaddexp(0, -margin).sum() + 0.5 * float(penalty @ w[:-1])
        return value, np.append(z.T @ pull + penalty, pull.sum())

    found = minimize(loss, np.zeros(z.shape[1] + 1), jac=True, method="L-BFGS-B")
    return torch.from_numpy(found.x[:-1]) / spread


def _sized(vectors: Layers, material: Material, target: str) -> Layers:
    """In the norm of the target's centred vector, layer by layer."""
    norm = mean_centre(material.mean(target), material.centre).norm(dim=-1, keepdim=True)
    return torch.nn.functional.normalize(vectors, dim=-1) * norm


def _towards(directions: Layers, difference: Layers) -> Layers:
    """With the sign that points along the difference."""
    return directions * (directions * difference).sum(-1, keepdim=True).sign()
