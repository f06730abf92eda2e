"""Absorption: a parent's latent falls silent where a child is active too.

A feature that is always there when a more special one is can be left to the special one's latent.
That saves a latent and so is rewarded by every pressure to be sparse (Chanin et al. 2024). In a
ground truth with a hierarchy it can be counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import torch

from steering_core import lockstep
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.evaluate import evaluate, match
from steering_core.sparse_autoencoders.frontier_study import tuned_recipe
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample, ground_truth
from steering_core.sparse_autoencoders.thresholds import ALIKE
from steering_core.sparse_autoencoders.training import train_autoencoders


def absorption(one: Autoencoders, sample: Sample, truth: GroundTruth) -> pd.DataFrame:
    """One row for each parent.

    Columns: `parent`; `known`, whether a latent of its own points its way (cosine of at least
    `ALIKE`); `alone`, how often that latent fires where the parent is active and no child is;
    `with_child`, where one is. The drop from the first to the second is absorption.

    Args:
        one: a single autoencoder.
        sample: inputs.
        truth: with children.

    Raises:
        ValueError: a truth without a hierarchy, or more than one autoencoder.
    """
    if not truth.children:
        raise ValueError("truth: got children = 0; allowed is a hierarchy")
    latents, features, cosines = match(one, truth)
    of_feature = dict(zip(features.tolist(), zip(latents, cosines, strict=True), strict=True))
    fires = one.encode(sample.activations)[0] > 0
    active = sample.features > 0
    rows = []
    for parent in range(truth.parents):
        latent, cosine = of_feature.get(parent, (0, 0.0))
        child = active[:, parent + truth.parents :: truth.parents].any(1)
        there, on = active[:, parent], fires[:, int(latent)]
        known = bool(cosine >= ALIKE)
        rows.append(
            {
                "parent": parent,
                "known": known,
                "alone": _share(on[there & ~child]) if known else float("nan"),
                "with_child": _share(on[there & child]) if known else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def _share(fires: torch.Tensor) -> float:
    return float(fires.double().mean()) if len(fires) else float("nan")


def hierarchy(seed: int) -> GroundTruth:
    """Eight parents of three children each in 24 dimensions; a parent is there one time in five,
    and each child one time in five of these."""
    return ground_truth(32, 24, densities=(0.2, 0.2), children=3, seed=seed)


def absorption_by_architecture(
    penalties: Mapping[str, float],
    seeds: Sequence[int],
    *,
    steps: int = 2_500,
    n_jobs: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """`absorption` of autoencoders with a latent for every feature of a hierarchy, one architecture
    after the other, with `architecture`, `seed`, `l0` and `f1`.

    All share one hierarchy, of the first seed.

    Raises:
        ValueError: as `train_autoencoders`.
    """
    truth = hierarchy(seeds[0])
    sample = truth.sample(8_192, lockstep.stream(seeds[0], "held out"))
    tables = []
    for name, penalty in penalties.items():
        trained = train_autoencoders(
            truth.stream(128, seeds[0]),
            name,
            n_latents=truth.n_features,
            penalties=(penalty,),
            seeds=seeds,
            recipe=replace(tuned_recipe(name, steps), re_warm=round(steps / 10)),
            n_jobs=n_jobs,
            progress=progress,
        )
        scores = evaluate(trained, sample, truth)
        for i, seed in enumerate(seeds):
            row = {"architecture": name, "seed": seed}
            row |= scores.loc[i, ["l0", "f1"]].to_dict()
            tables.append(absorption(trained.pick(i), sample, truth).assign(**row))
    return pd.concat(tables, ignore_index=True)
