"""What is refused is named: the argument, what it got, and what is allowed."""

from __future__ import annotations

from ..bad_input import bad_input_tests

PREAMBLE = """
import torch
from torch import nan, ones, tensor, zeros
from steering_core.absolute_value import *
from steering_core.absolute_value.basis import read_off
from steering_core.absolute_value.conditional import conditional_constant
from steering_core.absolute_value.deciles import primary_share
from steering_core.absolute_value.errors import dead_sides
from steering_core.absolute_value.inhibition import inhibition_cost
from steering_core.absolute_value.inputs import active_batch
from steering_core.absolute_value.net_numbers import net_numbers
from steering_core.absolute_value.neurons import cutting_costs
from steering_core.absolute_value.nulls import permuted
from steering_core.absolute_value.parts import cutting_losses, take_apart

inf = float("inf")
MODEL = dict(zip(("w_in", "w_out", "bias"), plain_pairs(3, 2, density=0.1)))
STACK = dict(zip(MODEL, (ones(5, 2, 3), ones(5, 3, 2), ones(5, 3))))
PARTS = take_apart(**MODEL, motifs=[])
MOTIF = Motif(0, 1, 0, 1, 2, 1, 1, 1, 3., 9., 1., 0., 0., 0., 0., -1.)
FOUND = neurons(**MODEL, density=0.1)

def measured(name, density=0.1, importance=ones(3), **changed):
    at, model = {"density": density}, {**MODEL, **changed}
    return {
        "feature_errors": lambda: feature_errors(**model, **at),
        "responses": lambda: responses(**model),
        "dead_sides": lambda: dead_sides(**model),
        "cutting_costs": lambda: cutting_costs(**model, **at),
        "neurons": lambda: neurons(**model, **at),
        "find_motifs": lambda: find_motifs(**model),
        "take_apart": lambda: take_apart(**model, motifs=[]),
        "cutting_losses": lambda: cutting_losses(PARTS, **model, **at, importance=importance),
        "conditional_constant": lambda: conditional_constant(PARTS, **model, **at),
        "inhibition_cost": lambda: inhibition_cost(MOTIF, **model, **at),
        "permuted": lambda: permuted(**model, seed=0, keep_main=True),
        "net_numbers": lambda: net_numbers(**model, **at, importance=importance),
        "plain_pairs": lambda: plain_pairs(3, 2, **at),
        "primary_share": lambda: primary_share(FOUND, **at),
        "read_off": lambda: read_off(FOUND, **at),
        "active_batch": lambda: active_batch(3, 4, **at, generator=torch.Generator()),
        "train": lambda: train(densities=(0.5, density)),
        "normalised_loss": lambda: normalised_loss(ones(3), importance),
        "pairs_loss": lambda: pairs_loss(importance, 2),
        "train of": lambda: train(importance=importance),
    }[name]()

def train(**changed):
    small = {"importance": ones(3), "n_hidden": 2, "densities": (0.5,), "seeds": (0, 1)}
    return train_absolute_value(**{**small, "recipe": Recipe(steps=2, batch_size=4), **changed})
"""

DENSITY, IMPORTANCE = "allowed is (0, 1]", "allowed are finite numbers above 0"
WHOLE, FINITE = "allowed are whole numbers from 1", "allowed are finite numbers"
SEEDS = "allowed are whole numbers from 0"
FROM_ZERO = "allowed are finite numbers from 0"

OF_A_MODEL = (
    "feature_errors",
    "responses",
    "dead_sides",
    "cutting_costs",
    "neurons",
    "find_motifs",
    "take_apart",
    "cutting_losses",
    "conditional_constant",
    "inhibition_cost",
    "permuted",
    "net_numbers",
)
OF_A_DENSITY = (
    "feature_errors",
    "cutting_costs",
    "neurons",
    "cutting_losses",
    "conditional_constant",
    "inhibition_cost",
    "net_numbers",
    "plain_pairs",
    "primary_share",
    "read_off",
    "active_batch",
    "train",
)
OF_IMPORTANCE = ("normalised_loss", "pairs_loss", "train of", "cutting_losses", "net_numbers")

ONE = "allowed is (m, n), one model"

# Case, and what its message begins with and ends with.
REFUSED = [
    *(
        (f"measured({name!r}, {change})", begins, ends)
        for name in OF_A_MODEL
        for change, begins, ends in (
            ("w_in=ones(3)", "w_in: got shape (3,)", "allowed is (..., m, n)"),
            ("w_in=ones(4, 3)", "w_out: got shape (3, 2); allowed is (3, 4)", "has (4, 3)"),
            ("w_out=ones(2, 3)", "w_out: got shape (2, 3); allowed is (3, 2)", "has (2, 3)"),
            ("w_out=ones(5, 3, 2)", "w_out: got shape (5, 3, 2)", "has (2, 3)"),
            ("bias=ones(2)", "bias: got shape (2,); allowed is (3,)", "as w_in has (2, 3)"),
            ("bias=ones(1, 3)", "bias: got shape (1, 3)", "as w_in has (2, 3)"),
            ("w_in=ones(2, 3) * nan", "w_in: got nan at index (0, 0)", FINITE),
            (
                "w_out=tensor([[1, 0], [0, -inf], [0, 0]])",
                "w_out: got -inf at index (1, 1)",
                FINITE,
            ),
            ("bias=tensor([0, 0, nan])", "bias: got nan at index (2,)", FINITE),
        )
    ),
    *(
        (
            f"measured({name!r}, density={bad})",
            f"densit{'ies' if name == 'train' else 'y'}: got {bad}",
            DENSITY,
        )
        for name in OF_A_DENSITY
        for bad in ("0.0", "-0.5", "1.5", "nan")
    ),
    *(
        (
            f"measured({name!r}, importance=tensor([1., {bad}, 1.]))",
            f"importance: got {bad}",
            IMPORTANCE,
        )
        for name in OF_IMPORTANCE
        for bad in ("0.0", "-1.0", "inf", "nan")
    ),
    *(
        (f"measured({name!r}, importance=ones(2, 3))", "importance: got shape (2, 3)", ",)")
        for name in OF_IMPORTANCE
    ),
    ("normalised_loss(ones(4, 3), ones(4))", "importance: got shape (4,)", "allowed is (3,)"),
    (
        "find_motifs(**STACK)",
        "w_in: got shape (5, 2, 3)",
        "one model",
    ),
    (
        "primary_share(neurons(**STACK, density=.1), density=.1)",
        "found: got 1 more axes",
        "allowed is one model",
    ),
    ("plain_pairs(0, 2, density=0.1)", "n: got 0", WHOLE),
    ("plain_pairs(3, 0, density=0.1)", "m: got 0", WHOLE),
    ("pairs_loss(ones(5), -2)", "m: got -2", WHOLE),
    ("pairs_loss(ones(0), 2)", "importance: got shape (0,)", "allowed is (n,)"),
    ("train(importance=ones(0))", "importance: got shape (0,)", "allowed is (n,)"),
    ("read_off(neurons(**STACK, density=.1), density=.1)", "found: got 1 more", "is one model"),
    *(
        (f"{call}, n_inputs={bad})", f"n_inputs: got {bad}", WHOLE)
        for bad in (0, -5)
        for call in (
            "feature_errors(**MODEL, density=.1",
            "cutting_costs(**MODEL, density=.1",
            "neurons(**MODEL, density=.1",
            "primary_share(FOUND, density=.1",
            "read_off(FOUND, density=.1",
            "conditional_constant(PARTS, **MODEL, density=.1",
            "inhibition_cost(MOTIF, **MODEL, density=.1",
            "cutting_losses(PARTS, **MODEL, density=.1, importance=ones(3)",
        )
    ),
    ("train(densities=())", "densities: got none", "allowed is at least one"),
    ("train(n_hidden=0)", "n_hidden: got 0", WHOLE),
    ("train(seeds=())", "seeds: got none", SEEDS),
    ("train(seeds=(0, -1, -2))", "seeds: got [-1, -2]", SEEDS),
    ("train(seeds=(0.5,))", "seeds: got [0.5]", SEEDS),
    ("train(n_jobs=0)", "n_jobs: got 0", "allowed are 1, 2, ... and -1 for one a core"),
    ("permuted(**MODEL, seed=-1, keep_main=True)", "seed: got -1", SEEDS),
    ("feature_errors(**MODEL, density=.1, seed=-1)", "seed: got -1", SEEDS),
    ("Recipe(steps=0)", "steps: got 0", WHOLE),
    ("Recipe(batch_size=0)", "batch_size: got 0", WHOLE),
    ("Recipe(learning_rate=-1.)", "learning_rate: got -1.0", FROM_ZERO),
    ("Recipe(learning_rate=inf)", "learning_rate: got inf", FROM_ZERO),
    ("Recipe(weight_decay=nan)", "weight_decay: got nan", FROM_ZERO),
    ("Recipe(leak=1.5)", "leak: got 1.5", "allowed is [0, 1]"),
    ("Recipe(leak=nan)", "leak: got nan", "allowed is [0, 1]"),
    ("Recipe(leak_until=-0.1)", "leak_until: got -0.1", "allowed is [0, 1]"),
    (
        "Recipe(begin_between=(0., 0.1))",
        "begin_between: got (0.0, 0.1)",
        "two densities in (0, 1], the lower one first, or None",
    ),
    (
        "Recipe(begin_between=(0.1, 0.01))",
        "begin_between: got (0.1, 0.01)",
        "two densities in (0, 1], the lower one first, or None",
    ),
    (
        "Recipe(begin_between=(nan, 0.1))",
        "begin_between: got (nan, 0.1)",
        "two densities in (0, 1], the lower one first, or None",
    ),
    ("Recipe(move=(0.7, 0.1))", "move: got (0.7, 0.1)", "two rising shares in [0, 1]"),
    ("Recipe(move=(0.5, 0.5))", "move: got (0.5, 0.5)", "two rising shares in [0, 1]"),
    ("Recipe(move=(0.5, 1.1))", "move: got (0.5, 1.1)", "two rising shares in [0, 1]"),
    ("Recipe(move=(0.1, 0.2, 0.3))", "move: got (0.1, 0.2, 0.3)", "two rising shares in [0, 1]"),
    ("Recipe(steps=2.5)", "steps: got 2.5", "allowed are whole numbers from 1"),
    ("Recipe(steps=nan)", "steps: got nan", "allowed are whole numbers from 1"),
    ("train(n_hidden=2.5)", "n_hidden: got 2.5", "allowed are whole numbers from 1"),
    ("train(seeds=(nan,))", "seeds: got", "allowed are whole numbers from 0"),
    ("find_motifs(ones(2, 0), ones(0, 2), ones(0))", "w_in: got shape (2, 0)", "m and n from 1"),
    ("permuted(**STACK, seed=0, keep_main=True)", "w_in: got shape (5, 2, 3)", ONE),
    ("take_apart(**STACK, motifs=[])", "w_in: got shape (5, 2, 3)", ONE),
    ("cutting_losses(PARTS, **STACK, density=.1, importance=ones(3))", "w_in: got", ONE),
    ("Recipe(initial_bias=inf)", "initial_bias: got inf", FINITE),
    (
        "Recipe(start='xavier')",
        "start: got 'xavier'",
        "allowed are normal, kaiming, kaiming, one tensor, pairs",
    ),
]
ACCEPTED = [
    "measured('feature_errors', density=1).shape == (3,)",
    "len(measured('plain_pairs', density=tensor(0.5))) == 3",
    "normalised_loss(ones(3), [1, 2, 3]).item() == 1",
    "train(importance=[1, 2, 3]).w_in.shape == (1, 2, 2, 3)",
    "train(densities=tensor([0.5, 1.0])).densities == (0.5, 1.0)",
    "train(seeds=range(3), n_jobs=-1).bias.shape == (1, 3, 3)",
    "train(seeds=tensor([4, 2])).seeds.tolist() == [4, 2]",
    "find_motifs(**{k: p.requires_grad_() for k, p in MODEL.items()}) == []",
    "responses(ones(4, 5, 2, 3), ones(4, 5, 3, 2), ones(4, 5, 3)).shape == (4, 5, 3, 2)",
]

(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)
