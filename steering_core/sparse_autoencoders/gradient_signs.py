"""Which way each activation pushes the bias that gates it.

The draft's argument for a penalty: a bias that only gates should be pushed up by an activation that
was right and down by one that was wrong, and for that the encoder must undershoot.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.evaluate import check_features, match
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample
from steering_core.sparse_autoencoders.thresholds import ALIKE


def pushes(
    one: Autoencoders, sample: Sample, truth: GroundTruth, penalty: float
) -> dict[str, float]:
    """`up_right`, the share of right activations (the latent's feature is there) that push its bias
    up, and `down_wrong`, the share of wrong ones that push it down; NaN where there are none.

    With the gradient of a ReLU, an activation pushes by minus the derivative of the loss with
    respect to it, 2 (x' - x).d + penalty |d|, with d its decoder row.

    Args:
        one: an autoencoder with an L1 penalty, or none.
        sample: inputs.
        truth: their features.
        penalty: of the L1.

    Raises:
        ValueError: more than one autoencoder, or a truth that does not fit.
    """
    check_features(sample, truth)
    latents, features, cosines = match(one, truth)
    known = cosines >= ALIKE
    places = torch.as_tensor(latents[known])
    there = sample.features[:, torch.as_tensor(features[known])] > 0
    acts = one.encode(sample.activations)[0]
    rows = one.parameters["w_dec"][0]
    target = one.recipe.target_scale * sample.activations * one.scale
    off = acts @ rows + one.parameters["b_dec"][0] - target
    slope: Float[Tensor, "n known"] = 2 * off @ rows[places].T + penalty * rows[places].norm(dim=1)
    on = acts[:, places] > 0
    right, wrong = on & there, on & ~there
    return {
        "up_right": float((slope[right] < 0).double().mean()),
        "down_wrong": float((slope[wrong] > 0).double().mean()),
    }
