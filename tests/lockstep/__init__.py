"""Small models to train together: each is pulled towards the batches, at a strength of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from steering_core.lockstep import Gradients, Parameters

Batch = tuple[int, Tensor]
"""The number of the step, from 1, and where every model is pulled to."""


def starts(models: int) -> Parameters:
    """Parameters to begin from, other ones for every model."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"weights": (models, 3, 4), "bias": (models, 1, 4)}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def chosen(parameters: Parameters, models: list[int]) -> Parameters:
    """The parameters of some of the models."""
    return {name: p[models] for name, p in parameters.items()}


def batches(steps: int) -> list[Batch]:
    """As many as there are steps."""
    generator = torch.Generator().manual_seed(1)
    return [(i + 1, torch.randn(3, 4, generator=generator) / 2) for i in range(steps)]


def losses_of(strengths: Tensor) -> Callable[[Parameters, Batch, Tensor], Tensor]:
    """sum d²/2 + d⁴/4 over the distances d from the batch, times the strength of the model."""

    def losses(parameters: Parameters, batch: Batch, models: Tensor) -> Tensor:
        each = torch.zeros(())
        for p in parameters.values():
            apart = p - batch[1][: p.shape[1]]
            each = each + (apart**2 / 2 + apart**4 / 4).sum((1, 2))
        return strengths[models] * each

    return losses


def pulled(strengths: Tensor) -> Gradients:
    """The same with its gradients, written out."""
    losses = losses_of(strengths)

    def gradients(
        parameters: Parameters, batch: Batch, models: Tensor
    ) -> tuple[Tensor, Parameters]:
        by_parameter = {}
        for name, p in parameters.items():
            apart = p - batch[1][: p.shape[1]]
            by_parameter[name] = strengths[models, None, None] * (apart + apart**3)
        return losses(parameters, batch, models), by_parameter

    return gradients


def told(gradients: Gradients, loss: Callable[[int, int], float]) -> Gradients:
    """The gradients as they are, but of every model and step the loss that is said."""

    def with_losses(
        parameters: Parameters, batch: Batch, models: Tensor
    ) -> tuple[Tensor, Parameters]:
        _, by_parameter = gradients(parameters, batch, models)
        return torch.tensor([loss(i, batch[0]) for i in models.tolist()]), by_parameter

    return with_losses


def planted(
    gradients: Gradients, model: int, step: int, *, loss: float, gradient: float
) -> Gradients:
    """The same, but for one model at one step."""

    def with_fault(
        parameters: Parameters, batch: Batch, models: Tensor
    ) -> tuple[Tensor, Parameters]:
        losses, by_parameter = gradients(parameters, batch, models)
        if batch[0] == step:
            losses[models == model] = loss
            for by in by_parameter.values():
                by[models == model] = gradient
        return losses, by_parameter

    return with_fault
