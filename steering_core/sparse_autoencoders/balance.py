"""Where encoder and bias would each come to rest: two balances of one gradient.

g is the gradient that reaches a latent's output. Along its encoder a latent is at rest where
E[g m] = 0 over the inputs that it fires for; a bias that has ReLU's gradient, where E[g] = 0.
"""

import pandas as pd
import torch

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.ground_truth import Sample


def balances(one: Autoencoders, sample: Sample, penalty: float) -> pd.DataFrame:
    """One row for each latent that fires.

    Columns: `latent`; `encoder`, E[g m] over E|g m|; `bias`, E[g] over E|g|; both in [-1, 1], and
    positive where descent makes the encoder shorter, or the bias lower.

    Args:
        one: an autoencoder with an L1 penalty, or none.
        sample: inputs.
        penalty: of the L1.

    Raises:
        ValueError: more than one autoencoder, or inputs of another width.
    """
    if len(one) != 1:
        raise ValueError(f"one: got {len(one)} autoencoders; allowed is 1")
    m, latents = one.pre_activations(sample.activations)[0], one.encode(sample.activations)[0]
    p = {name: value[0] for name, value in one.parameters.items()}
    target = one.recipe.target_scale * sample.activations * one.scale
    off = latents @ p["w_dec"] + p["b_dec"] - target
    on = latents > 0
    g = (2 * off @ p["w_dec"].T + penalty * p["w_dec"].norm(dim=1)) * on
    fires = on.any(0)

    def balance(pull: torch.Tensor) -> list[float]:
        return (pull.sum(0) / pull.abs().sum(0).clamp_min(1e-12))[fires].tolist()

    return pd.DataFrame(
        {
            "latent": fires.nonzero()[:, 0].tolist(),
            "encoder": balance(g * m),
            "bias": balance(g),
        }
    )
