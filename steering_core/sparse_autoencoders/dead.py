"""Latents that no longer fire: drawing them anew, ghost gradients, and TopK's auxiliary loss.

A latent is dead when it has not fired for a stretch of steps.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering_core.lockstep import Parameters, Step
from steering_core.sparse_autoencoders.recipe import Recipe

Dead = Bool[Tensor, "models latents"]


@torch.no_grad()
def resample(
    step: Step,
    dead: Dead,
    inputs: Float[Tensor, "inputs d"],
    errors: Float[Tensor, "models inputs"],
    recipe: Recipe,
    generators: Sequence[torch.Generator],
) -> None:
    """Draw dead latents anew where inputs are badly reconstructed, as Bricken et al. 2023 do.

    An input is drawn with a probability in proportion to its squared error, squared, or any where
    there is no error. The decoder
    becomes its direction from b_d, the encoder the same at `resample_scale` of the mean of those
    alive, biases zero; Adam's averages of them are forgotten, its count of steps is not.

    Args:
        step: what `lockstep` hands on; parameters and moments are changed in place.
        dead: which.
        inputs: normalised.
        errors: of the inputs' reconstructions, by each model.
        recipe: `resample_scale` and the initial values.
        generators: one a model, the only source of randomness.
    """
    p = step.parameters
    norms = p["w_enc"].norm(dim=1) * p["w_dec"].norm(dim=-1)
    for model, gone in enumerate(dead):
        if not gone.any():
            continue
        weights = errors[model].double().square().cpu()
        if not 0 < float(weights.sum()) < torch.inf:
            weights = torch.ones_like(weights)
        chosen = torch.multinomial(
            weights, int(gone.sum()), replacement=True, generator=generators[model]
        ).to(inputs.device)
        direction = torch.nn.functional.normalize(inputs[chosen] - p["b_dec"][model], dim=-1)
        alive = norms[model][~gone]
        size = recipe.resample_scale * (alive.mean() if len(alive) else 1.0)
        p["w_dec"][model, gone] = direction
        p["w_enc"][model, :, gone] = size * direction.T
        for name, value in _beginning(recipe).items():
            if name in p:
                p[name][model, gone] = value
        _forget(step, model, gone)


def _beginning(recipe: Recipe) -> dict[str, float]:
    threshold = float(torch.tensor(recipe.initial_threshold).log())
    return {"b_enc": 0.0, "r_mag": 0.0, "b_mag": 0.0, "log_threshold": threshold}


def _forget(step: Step, model: int, gone: Bool[Tensor, " latents"]) -> None:
    for name, memory in step.moments.items():
        if name == "b_dec":
            continue
        for key in ("exp_avg", "exp_avg_sq"):
            if name == "w_enc":
                memory[key][model, :, gone] = 0.0
            else:
                memory[key][model, gone] = 0.0


def ghost_loss(
    p: Parameters,
    m: Float[Tensor, "models batch latents"],
    residual: Float[Tensor, "models batch d"],
    dead: Dead,
) -> Float[Tensor, " models"]:
    """Dead latents, through an exponential, are to explain half of what the others leave.

    Their output is scaled to half of the residual's norm, and the loss to the size of the squared
    error; both factors have no gradient.

    Source:
        Jermyn and Templeton 2024, "Ghost Grads".
    """
    if not dead.any():
        return residual.new_zeros(len(residual))
    residual = residual.detach()
    latents = (m + p["b_enc"][:, None]).clamp_max(5.0).exp() * dead[:, None]
    ghost = latents @ p["w_dec"]
    norms = ghost.detach().norm(dim=-1, keepdim=True).clamp_min(1e-8)
    ghost = ghost * (residual.norm(dim=-1, keepdim=True) / (2 * norms))
    left = ((residual - ghost) ** 2).sum(-1).mean(-1)
    size = residual.square().sum(-1).mean(-1) / left.detach().clamp_min(1e-8)
    return left * size * dead.any(-1)


def auxiliary_loss(
    p: Parameters,
    m: Float[Tensor, "models batch latents"],
    residual: Float[Tensor, "models batch d"],
    dead: Dead,
) -> Float[Tensor, " models"]:
    """The d/2 largest of the dead latents are to explain what the others leave.

    Source:
        Gao et al. 2024, "AuxK".
    """
    if not dead.any():
        return residual.new_zeros(len(residual))
    z = torch.relu(m + p["b_enc"][:, None]) * dead[:, None]
    most = min(residual.shape[-1] // 2 or 1, z.shape[-1])
    values, places = z.topk(most, -1, sorted=False)
    latents = torch.zeros_like(z).scatter(-1, places, values)
    left = (residual.detach() - latents @ p["w_dec"]).square().sum(-1).mean(-1)
    return left * dead.any(-1)
