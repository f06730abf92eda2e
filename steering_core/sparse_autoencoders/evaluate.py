"""How good autoencoders are: sparsity, error, shrinkage, dead latents; and against known features.

Not here: at which sparsity two are compared (`frontier`), thresholds (`thresholds`).
"""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.checks import check_activations
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample


def evaluate(
    autoencoders: Autoencoders,
    activations: Float[Tensor, "n d"] | Sample,
    truth: GroundTruth | None = None,
) -> pd.DataFrame:
    """One row an autoencoder.

    Columns: `penalty`, `seed`;
    `l0`, latents that are not zero, mean over inputs;
    `fvu`, sum of squared errors over that of the distances from the mean input;
    `cosine` of inputs and outputs, mean;
    `shrinkage`, E |x' - b_d|^2 / E (x - b_d).(x' - b_d), 1 where outputs have the right length and
    below 1 where they are too short (Rajamanoharan et al. 2024a, the relative reconstruction bias);
    `dead`, share of latents that never fire on these inputs.
    With `truth`: `mcc`, mean cosine of decoder rows and the directions that they are matched with;
    `precision`, `recall` and `f1` of a latent's firing as a sign of its feature, means over matched
    latents, 0 for one that never fires.

    Args:
        autoencoders: M of them; one that diverged has NaN in its row.
        activations: inputs that training has not seen; a `Sample` where `truth` is given.
        truth: the features that the sample was drawn from.

    Raises:
        ValueError: activations that do not fit; a sample without truth or truth without a sample;
            features of another number than truth has.
    """
    sample = activations if isinstance(activations, Sample) else None
    x = sample.activations if sample is not None else activations
    if not isinstance(x, Tensor):
        raise ValueError(f"activations: got {type(x).__name__}; allowed is a tensor or a Sample")
    check_activations("activations", x, autoencoders.width)
    if (truth is None) != (sample is None):
        got = "truth without a Sample" if sample is None else "a Sample without truth"
        raise ValueError(f"truth: got {got}; allowed are both, or a tensor alone")
    rows = []
    for i in range(len(autoencoders)):
        one = autoencoders.pick(i)
        latents = one.encode(x)[0]
        row = _itself(one, x, latents)
        if truth is not None and sample is not None:
            check_features(sample, truth)
            row |= _against(one, latents, sample, truth)
        if one.diverged[0]:
            row = dict.fromkeys(row, float("nan"))
        ids = {"penalty": float(one.penalties[0]), "seed": int(one.seeds[0])}
        rows.append(ids | row)
    return pd.DataFrame(rows)


def _itself(
    one: Autoencoders, x: Float[Tensor, "n d"], latents: Float[Tensor, "n latents"]
) -> dict[str, float]:
    out = one.decode(latents[None])[0]
    centre = one.parameters["b_dec"][0] / one.scale
    there, back = x - centre, out - centre
    on = latents != 0
    return {
        "l0": float(on.sum(1).double().mean()),
        "fvu": float((x - out).square().sum() / (x - x.mean(0)).square().sum()),
        "cosine": float(torch.nn.functional.cosine_similarity(x, out, dim=1).mean()),
        "shrinkage": float(back.square().sum() / (there * back).sum()),
        "dead": float((~on.any(0)).double().mean()),
    }


def match(
    one: Autoencoders, truth: GroundTruth
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """(latents, features, cosines): each decoder row with a direction of its own, so that the sum
    of cosines is largest.

    Raises:
        ValueError: more than one autoencoder, or directions of another width.
    """
    if len(one) != 1 or truth.width != one.width:
        raise ValueError(
            f"autoencoders, truth: got {len(one)} of width {one.width}, directions of width "
            f"{truth.width}; allowed is one, of the same width"
        )
    rows = torch.nn.functional.normalize(one.parameters["w_dec"][0] / one.scale, dim=1)
    cosines = torch.nan_to_num(rows @ truth.directions.T).numpy()
    latents, features = linear_sum_assignment(cosines, maximize=True)
    return latents, features, cosines[latents, features]


def check_features(sample: Sample, truth: GroundTruth) -> None:
    """A sample of the truth's features.

    Raises:
        ValueError: features of another shape.
    """
    n = len(sample.activations)
    if sample.features.shape != (n, truth.n_features):
        raise ValueError(
            f"features: got shape {tuple(sample.features.shape)}; allowed is "
            f"({n}, {truth.n_features}), inputs and the features of truth"
        )


def _against(
    one: Autoencoders, latents: Float[Tensor, "n latents"], sample: Sample, truth: GroundTruth
) -> dict[str, float]:
    places, features, cosines = match(one, truth)
    on = latents[:, torch.as_tensor(places)] > 0
    active = sample.features[:, torch.as_tensor(features)] > 0
    both, fired, there = ((on & active).sum(0), on.sum(0), active.sum(0))
    precision = both / fired.clamp_min(1)
    recall = both / there.clamp_min(1)
    f1 = 2 * both / (fired + there).clamp_min(1)
    return {
        "mcc": float(cosines.mean()),
        "precision": float(precision.double().mean()),
        "recall": float(recall.double().mean()),
        "f1": float(f1.double().mean()),
    }
