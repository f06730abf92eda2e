"""The architectures, one row each: how latents follow from pre-activations, and what is penalised.

All share an encoder, a decoder and the squared error. m is the pre-activation without its bias,
(x - b_d) w_e, for all models and inputs: (models, batch, latents). Parameters are stacks, models on
the first axis: `w_enc` (d, latents), `b_enc` (latents), `w_dec` (latents, d), `b_dec` (d), and what
a row adds. A penalty weighs what a row penalises; where it penalises nothing the number of latents
is set outright, and the "penalty" is k.

Not here: pseudo-gradients (`gates`), training, dead latents.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.lockstep import Parameters
from steering_core.sparse_autoencoders import gates
from steering_core.sparse_autoencoders.recipe import Recipe

Wide = Float[Tensor, "models batch latents"]
Each = Float[Tensor, " models"]
Encode = Callable[[Parameters, Wide, Each, Recipe], Wide]
Sparsity = Callable[[Parameters, Wide, Wide, Recipe], Each]


@dataclass(frozen=True)
class Architecture:
    """A way from pre-activations to latents, and its penalty.

    words: what it does, for pages.
    source: who proposed it.
    encode: (parameters, m, k of each model, recipe) -> latents.
    sparsity: (parameters, m, latents, recipe) -> what the penalty weighs, summed over latents, mean
        over inputs; None where k is set.
    extra: (latents, recipe) -> further parameters at their start, without the axis of models.
    unit_decoder: whether decoder rows keep norm 1 whatever the recipe says, as where the penalty
        does not know them, or where it would pull at them alone.
    """

    words: str
    source: str
    encode: Encode
    sparsity: Sparsity | None
    extra: Callable[[int, Recipe], Parameters] = lambda latents, recipe: {}
    unit_decoder: bool = False

    @property
    def sets_k(self) -> bool:
        """Whether the number of active latents is set outright."""
        return self.sparsity is None


def _gated_by(gate: Callable[[Wide, Wide], Wide]) -> Encode:
    return lambda p, m, k, recipe: gate(m, p["b_enc"][:, None])


def _norms(p: Parameters) -> Float[Tensor, "models latents"]:
    return p["w_dec"].norm(dim=-1)


def _l1(p: Parameters, m: Wide, latents: Wide, recipe: Recipe) -> Each:
    return (latents.mean(1) * _norms(p)).sum(-1)


def _l1_signed(p: Parameters, m: Wide, latents: Wide, recipe: Recipe) -> Each:
    """For a gate that lets negative latents through."""
    return _l1(p, m, latents.abs(), recipe)


def _sqrt(p: Parameters, m: Wide, latents: Wide, recipe: Recipe) -> Each:
    """The sum of square roots; its slope at zero is infinite, so it begins a little above."""
    return ((latents * _norms(p)[:, None] + 1e-4).sqrt() - 1e-2).sum(-1).mean(-1)


def _l0_of_gate(p: Parameters, m: Wide, latents: Wide, recipe: Recipe) -> Each:
    return gates.steps(m, -p["b_enc"][:, None], recipe.bandwidth).sum(-1).mean(-1)


def _gated(p: Parameters, m: Wide, k: Each, recipe: Recipe) -> Wide:
    magnitudes = torch.relu(torch.addcmul(p["b_mag"][:, None], m, p["r_mag"].exp()[:, None]))
    return gates.where_positive(magnitudes, m + p["b_enc"][:, None])


def _gated_sparsity(p: Parameters, m: Wide, latents: Wide, recipe: Recipe) -> Each:
    return gate_latents(p, m).mean(1).sum(-1)


def gate_latents(p: Parameters, m: Wide) -> Wide:
    """Gated's second latents, ReLU of the gate's pre-activations, by which the gate learns."""
    return torch.relu(m + p["b_enc"][:, None])


def _jump(p: Parameters, m: Wide, k: Each, recipe: Recipe) -> Wide:
    z = m + p["b_enc"][:, None]
    return gates.jump_relu(z, p["log_threshold"].exp()[:, None], recipe.bandwidth)


def _jump_sparsity(p: Parameters, m: Wide, latents: Wide, recipe: Recipe) -> Each:
    z = m + p["b_enc"][:, None]
    on = gates.steps(z, p["log_threshold"].exp()[:, None], recipe.bandwidth)
    return on.sum(-1).mean(-1)


def _top_k(p: Parameters, m: Wide, k: Each, recipe: Recipe) -> Wide:
    """The k largest latents of each input."""
    z = torch.relu(m + p["b_enc"][:, None])
    most = int(k.max())
    values, places = z.topk(most, -1, sorted=len(k) > 1)
    kept = values * (torch.arange(most, device=z.device) < k[:, None, None])
    return torch.zeros_like(z).scatter(-1, places, kept)


def _batch_top_k(p: Parameters, m: Wide, k: Each, recipe: Recipe) -> Wide:
    """The k x batch largest latents of a batch; once trained, those above a fixed threshold."""
    z = torch.relu(m + p["b_enc"][:, None])
    cut = p["threshold"] if "threshold" in p else batch_cut(z.detach(), k)
    return gates.where_positive(z, z - cut[:, None, None])


def batch_cut(z: Wide, k: Each) -> Each:
    """For each model the largest of the latents that are not among its k x batch largest."""
    flat = z.flatten(1)
    counts: Tensor = flat.shape[1] - (k * z.shape[1]).round().long()
    cuts = [
        one.kthvalue(int(n)).values if n > 0 else one.new_tensor(-1.0)
        for one, n in zip(flat, counts, strict=True)
    ]
    return torch.stack(cuts)


def _magnitudes(latents: int, recipe: Recipe) -> Parameters:
    return {"r_mag": torch.zeros(latents), "b_mag": torch.zeros(latents)}


def _thresholds(latents: int, recipe: Recipe) -> Parameters:
    return {"log_threshold": torch.full((latents,), recipe.initial_threshold).log()}


DRAFT, PROLU = "Taggart 2024, draft of SCSAE", "Taggart 2024, ProLU"

ARCHITECTURES = {
    "relu": Architecture("ReLU, L1", "Bricken et al. 2023", _gated_by(gates.relu), _l1),
    "relu_sqrt": Architecture(
        "ReLU, √L1", "Riggs and Brinkmann 2024", _gated_by(gates.relu), _sqrt
    ),
    "scsae": Architecture("SCSAE, L1", DRAFT, _gated_by(gates.scsae), _l1_signed),
    "scsae_multiplied": Architecture(
        "SCSAE, multiplied bias", DRAFT, _gated_by(gates.scsae_multiplied), _l1_signed
    ),
    "prolu_relu": Architecture("ProLU, ReLU's gradient", PROLU, _gated_by(gates.prolu_relu), _l1),
    "prolu_ste": Architecture("ProLU, STE", PROLU, _gated_by(gates.prolu_ste), _l1),
    "prolu_l0": Architecture(
        "ProLU, L0", "ours, a control", _gated_by(gates.prolu_relu), _l0_of_gate
    ),
    "gated": Architecture(
        "Gated", "Rajamanoharan et al. 2024a", _gated, _gated_sparsity, _magnitudes, True
    ),
    "jumprelu": Architecture(
        "JumpReLU", "Rajamanoharan et al. 2024b", _jump, _jump_sparsity, _thresholds
    ),
    "topk": Architecture("TopK", "Gao et al. 2024", _top_k, None, unit_decoder=True),
    "batch_topk": Architecture(
        "BatchTopK", "Bussmann et al. 2024", _batch_top_k, None, unit_decoder=True
    ),
}
"""Name -> architecture."""
