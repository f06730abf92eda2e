"""What is refused is named: the argument, what it got, and what is allowed."""

from __future__ import annotations

from ..bad_input import bad_input_tests

PREAMBLE = """
import warnings
import torch
from torch import nan, ones, zeros
from steering_core.sparse_autoencoders import *

warnings.simplefilter("ignore", RuntimeWarning)  # so short a training leaves latents dead
inf = float("inf")
QUICK = Recipe(steps=2, dead="none", silent_for=1.0, cool_down=0.0)

def train(activations=None, architecture="relu", **changed):
    small = {"n_latents": 4, "penalties": (0.1,), "recipe": QUICK, "batch_size": 4}
    x = ones(6, 3) if activations is None else activations
    return train_autoencoders(x, architecture, **{**small, **changed})

def topk(*ks, name="topk", **changed):
    return train(architecture=name, penalties=ks, **changed)

class Untouched:
    def __iter__(self):
        raise RuntimeError("work was begun")

def truth(**changed):
    return ground_truth(**{"n_features": 4, "width": 4, **changed})
"""

WHOLE, SEEDS = "allowed are whole numbers from 1", "allowed are different whole numbers from 0"
FROM_ZERO = "allowed are finite numbers from 0"
ONE_OF = "allowed are relu, relu_sqrt, scsae, scsae_multiplied, prolu_relu, prolu_ste, prolu_l0, "
JOBS = "allowed is 1, or more where activations can be gone through more than once"
K = "allows whole numbers from 1 to n_latents, 4"
RECIPE_BAD = [
    ("steps", ("0", "2.5", "-1", "nan", "inf"), WHOLE),
    ("learning_rate", ("-1", "nan", "inf"), FROM_ZERO),
    ("betas", ("(0.9,)", "(0.9, 1)", "(-0.5, 0.9)"), "allowed are two numbers in [0, 1)"),
    ("warm_up", ("-0.1", "2", "nan"), "allowed is [0, 1]"),
    ("cool_down", ("-0.1", "2", "nan"), "allowed is [0, 1]"),
    ("silent_for", ("-0.1", "2", "nan"), "allowed is [0, 1]"),
    ("normalise", ("'L2'", "''", "'layer'"), "allowed are l2, std, none"),
    ("decoder", ("'free'", "''"), "allowed are scaled, unit"),
    ("dead", ("'alive'", "''"), "allowed are resample, ghost, none"),
    ("resample_scale", ("-1", "nan", "inf"), FROM_ZERO),
    ("re_warm", ("-1", "1.5"), "allowed are whole numbers from 0"),
    ("initial_bias", ("nan", "inf"), "allowed are finite numbers"),
    ("initial_threshold", ("0", "-1", "nan", "inf"), "allowed are finite numbers above 0"),
    ("bandwidth", ("0", "-1", "nan", "inf"), "allowed are finite numbers above 0"),
    ("auxiliary", ("-1", "nan", "inf"), FROM_ZERO),
    ("target_scale", ("nan", "inf"), "allowed are finite numbers"),
]

# Case, and what its message begins with and ends with.
REFUSED = [
    *[
        (f"Recipe({name}={bad})", f"{name}: got {bad}; ", allowed)
        for name, bads, allowed in RECIPE_BAD
        for bad in bads
    ],
    ("Recipe(resample_at=(0.2, 1.5))", "resample_at: got 1.5; ", "allowed is [0, 1]"),
    *[
        (f"train(Untouched(), {change})", begins, ends)
        for change, begins, ends in [
            ("n_latents=0", "n_latents: got 0; ", WHOLE),
            ("n_latents=-3", "n_latents: got -3; ", WHOLE),
            ("n_latents=2.5", "n_latents: got 2.5; ", WHOLE),
            ("batch_size=0", "batch_size: got 0; ", WHOLE),
            ("batch_size=-1", "batch_size: got -1; ", WHOLE),
            ("batch_size=1.5", "batch_size: got 1.5; ", WHOLE),
            ("penalties=()", "penalties: got none; ", "allowed is at least one"),
            ("penalties=(-0.1,)", "penalties: got -0.1; ", FROM_ZERO),
            ("penalties=(0.1, nan)", "penalties: got nan; ", FROM_ZERO),
            ("penalties=(inf,)", "penalties: got inf; ", FROM_ZERO),
            ("seeds=()", "seeds: got none; ", SEEDS),
            ("seeds=(0, 0)", "seeds: got [0, 0]; ", SEEDS),
            ("seeds=(0, -1)", "seeds: got [-1]; ", SEEDS),
            ("seeds=(0.5,)", "seeds: got [0.5]; ", SEEDS),
            ("architecture='ReLU'", "architecture: got 'ReLU'; " + ONE_OF, "batch_topk"),
            ("architecture=''", "architecture: got ''; " + ONE_OF, "batch_topk"),
            ("n_jobs=0", "n_jobs: got 0; ", JOBS),
            ("n_jobs=-1", "n_jobs: got -1; ", JOBS),
        ]
    ],
    *[
        (f"topk({k}, activations=Untouched(), name={name!r})", f"penalties: got k = {got}; ", K)
        for name in ("topk", "batch_topk")
        for k, got in [
            ("5", "5"),
            ("0", "0"),
            ("2, -1", "-1"),
            ("1.5", "1.5"),
            ("0.5", "0.5"),
            ("nan", "nan"),
            ("inf", "inf"),
        ]
    ],
    ("topk(activations=Untouched())", "penalties: got none; ", "allowed is at least one"),
    ("train(iter([ones(4, 3)] * 2), n_jobs=2)", "n_jobs: got 2; ", JOBS),
    ("train((x for x in [ones(4, 3)] * 2), n_jobs=3)", "n_jobs: got 3; ", JOBS),
    ("train(ones(6, 0))", "activations: got shape (6, 0); ", "allowed is (inputs, d)"),
    ("train(ones(0, 3))", "activations: got shape (0, 3); ", "allowed is (inputs, d)"),
    ("train(ones(6))", "activations: got shape (6,); ", "allowed is (inputs, d)"),
    ("train(ones(2, 6, 3))", "activations: got shape (2, 6, 3); ", "allowed is (inputs, d)"),
    ("train([ones(4, 0)] * 2)", "activations: got shape (4, 0); ", "allowed is (inputs, d)"),
    ("train([ones(4, 3), ones(4)])", "activations: got shape (4,); ", "allowed is (inputs, 3)"),
    ("train([ones(4, 3), ones(4, 2)])", "activations: got shape (4, 2); ", "is (inputs, 3)"),
    ("train(ones(6, 3) * nan)", "activations: got a number that is not finite in row 0; ", ""),
    ("train(ones(6, 3) * inf)", "activations: got a number that is not finite in row 0; ", ""),
    ("train([])", "activations: got no batch; ", "allowed is one a step"),
    ("train([ones(4, 3)])", "batches: got 1; ", "at least as many as steps, 2"),
    ("truth(n_features=2.5)", "n_features: got 2.5; ", WHOLE),
    ("truth(width=0.5)", "width: got 0.5; ", WHOLE),
    ("truth(children=0.5)", "children: got 0.5; ", "allowed are whole numbers from 0"),
    ("truth().sample(1.5, torch.Generator())", "n: got 1.5; ", WHOLE),
    ("truth().stream(0)", "batch_size: got 0; ", WHOLE),
    ("load_autoencoders('/no/folder')", "folder: got '/no/folder' without ", "both are needed"),
]
ACCEPTED = [
    "len(train(penalties=[0, 1], seeds=[0, 5])) == 4",
    "len(train(penalties=torch.tensor([0.0, 1.0]), seeds=range(2))) == 4",
    "len(topk(1, 4)) == 2",
    "len(train([ones(4, 3)] * 2, n_jobs=2, seeds=(0, 1))) == 2",
    "train(iter([ones(4, 3)] * 2)).width == 3",
    "train(torch.ones(6, 3, dtype=torch.float64)).parameters['w_enc'].dtype == torch.float32",
    "Recipe(warm_up=0, cool_down=1, re_warm=0, resample_at=()).resample_steps == ()",
    "truth(densities=(1, 1), magnitudes=(1, 2), noise=0).active == 4",
    "(truth(densities=(1, 1)).sample(3, torch.Generator()).features >= 0.5).all().item()",
]

(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)
