"""What is refused is named: the argument, what it got, and what is allowed."""

from __future__ import annotations

import torch

from steering_core.superposition import ACTIVATIONS, Activation
from steering_core.superposition.activations import resolve

from ..bad_input import bad_input_tests

PREAMBLE = """
import torch
from torch import nan, ones, tensor, where, zeros
from steering_core.superposition import *

inf = float("inf")

def loss(weights=ones(1, 2), bias=zeros(2), activation="relu", density=0.5, importance=ones(2)):
    return expected_loss(
        weights, bias, activation=activation, density=density, importance=importance
    )

def diagram(activation="relu", **changed):
    grid = {"densities": [0.1, 0.5], "importances": [0.5, 2.0]}
    return phase_diagram(activation, **{**grid, **changed})

def train(activation="relu", **changed):
    small = {"n_hidden": 1, "density": 0.5, "importance": ones(3, 2), "seeds": (0, 1)}
    recipe = Recipe(steps=2, batch_size=4)
    return train_bottleneck(activation, **{**small, "recipe": recipe, **changed})
"""

DENSITY, IMPORTANCE = r"allowed is (0, 1]", "allowed are finite numbers above 0"
NAMES = "allowed are linear, relu, gelu, silu, sigmoid, tanh, solu or a callable on (..., n)"

# Case, and what its message begins with and ends with.
REFUSED = [
    ("loss(activation='rleu')", "activation: got 'rleu', nearest known name 'relu'", NAMES),
    ("loss(activation='Sigmoid ')", "activation: got 'Sigmoid ', nearest known", NAMES),
    ("loss(activation=3)", "activation: got int", "a name or a callable on (..., n)"),
    ("loss(activation=lambda z: z.sum(-1))", "activation: got shape () for (2,)", "the same"),
    ("loss(activation=lambda z: 1.0)", "activation: got shape float for (2,)", "the same"),
    ("loss(activation=torch.log, bias=-ones(2))", "activation: got NaN at index (0,)", "numbers"),
    (
        "loss(ones(3, 1, 2) * tensor([.1, 2, 2])[:, None, None], zeros(3, 2), "
        "lambda z: where(z > 2.5, nan, z))",
        "activation: got NaN for the model at index (1,)",
        "numbers",
    ),
    ("loss(density=0)", "density: got 0.0", DENSITY),
    ("loss(density=-0.5)", "density: got -0.5", DENSITY),
    ("loss(density=1.5)", "density: got 1.5", DENSITY),
    ("loss(density=nan)", "density: got nan", DENSITY),
    ("loss(density=tensor([.5, 2.]))", "density: got 2.0", DENSITY),
    ("loss(importance=tensor([1., 0.]))", "importance: got 0.0", IMPORTANCE),
    ("loss(importance=tensor([-1., 1.]))", "importance: got -1.0", IMPORTANCE),
    ("loss(importance=tensor([1., inf]))", "importance: got inf", IMPORTANCE),
    ("loss(importance=tensor([1., nan]))", "importance: got nan", IMPORTANCE),
    ("loss(importance=ones(3))", "importance: got shape (3,)", "allowed is (..., 2)"),
    ("loss(importance=tensor(1.))", "importance: got shape ()", "allowed is (..., 2)"),
    ("loss(weights=ones(2))", "weights: got shape (2,)", "allowed is (..., m, n)"),
    ("loss(weights=ones(1, 4))", "weights: got n = 4 inputs", "allowed are 1 to 3"),
    ("loss(weights=nan * ones(1, 2))", "weights: got a value that is not", "finite numbers"),
    ("loss(bias=ones(3))", "bias: got shape (3,)", "allowed is (..., 2)"),
    ("loss(bias=tensor(0.))", "bias: got shape ()", "allowed is (..., 2)"),
    ("loss(bias=tensor([0., inf]))", "bias: got a value that is not", "finite numbers"),
    ("loss(ones(3, 1, 2), ones(4, 2))", "bias: got batch shape (4,) beside (3,)", "broadcast"),
    ("loss(ones(3, 1, 2), density=ones(2) / 2)", "density: got batch shape (2,)", "broadcast"),
    ("loss(ones(3, 1, 2), importance=ones(2, 2))", "importance: got batch shape", "broadcast"),
    (
        "expected_errors(ones(1, 2), zeros(2), activation='gleu', density=.5)",
        "activation: got 'gleu', nearest known name 'gelu'",
        NAMES,
    ),
    (
        "expected_errors(ones(1, 2), zeros(2), activation='relu', density=0.)",
        "density: got 0.0",
        DENSITY,
    ),
    ("diagram('tahn')", "activation: got 'tahn', nearest known name 'tanh'", NAMES),
    ("diagram(n_features=4)", "n_features: got 4", "allowed are 2 and 3"),
    ("diagram(n_features=1)", "n_features: got 1", "allowed are 2 and 3"),
    ("diagram(n_hidden=2)", "n_hidden: got 2", "allowed are 1 to 1, less than n_features"),
    ("diagram(n_features=3, n_hidden=3)", "n_hidden: got 3", "are 1 to 2, less than n_features"),
    ("diagram(n_hidden=0)", "n_hidden: got 0", "allowed are 1 to 1, less than n_features"),
    ("diagram(restarts=0)", "restarts: got 0", "allowed are whole numbers from 1"),
    ("diagram(densities=[0.5, 0.0])", "densities: got 0.0", DENSITY),
    ("diagram(densities=[1.5])", "densities: got 1.5", DENSITY),
    ("diagram(densities=[nan])", "densities: got nan", DENSITY),
    ("diagram(densities=[])", "densities: got shape (0,)", "allowed is a non-empty row"),
    ("diagram(densities=0.5)", "densities: got shape ()", "allowed is a non-empty row"),
    ("diagram(densities=ones(2, 2))", "densities: got shape (2, 2)", "is a non-empty row"),
    ("diagram(importances=[0.0])", "importances: got 0.0", IMPORTANCE),
    ("diagram(importances=[1, -1])", "importances: got -1.0", IMPORTANCE),
    ("diagram(importances=[inf])", "importances: got inf", IMPORTANCE),
    ("diagram(importances=[])", "importances: got shape (0,)", "allowed is a non-empty row"),
    ("diagram(lambda z: z.mean(-1))", "activation: got shape (4,) for (4, 2)", "is the same"),
    (
        "diagram(lambda z: where(z > .7, nan, z))",
        "activation: got NaN in the cell of density 0.1 and importance 0.5",
        "allowed are numbers",
    ),
    ("diagram(torch.log)", "activation: got NaN in the cell of density 0.1", "are numbers"),
    ("train('slou')", "activation: got 'slou', nearest known name 'solu'", NAMES),
    ("train(['relu', 'tahn'])", "activation: got 'tahn', nearest known name 'tanh'", NAMES),
    ("train([])", "activation: got none", "allowed is at least one"),
    ("train(3)", "activation: got int", "a name or a callable on (..., n)"),
    ("train(['relu', 3])", "activation: got int", "a name or a callable on (..., n)"),
    ("train(lambda z: z.sum(-1))", "activation: got shape (1,) for (1, 2)", "allowed is the same"),
    ("train(lambda z: z * nan)", "activation: got NaN at index (0, 0)", "allowed are numbers"),
    ("train(n_hidden=2)", "n_hidden: got 2", "allowed are 1 to 1"),
    ("train(n_hidden=0)", "n_hidden: got 0", "allowed are 1 to 1"),
    ("train(density=0)", "density: got 0.0", DENSITY),
    ("train(density=1.5)", "density: got 1.5", DENSITY),
    ("train(density=nan)", "density: got nan", DENSITY),
    ("train(density=[.5, -.1])", "density: got -0.1", DENSITY),
    ("train(density=[])", "density: got ", ""),
    ("train(density=ones(2, 2))", "density: got ", ""),
    ("train(importance=tensor([[1., 0.]]))", "importance: got 0.0", IMPORTANCE),
    ("train(importance=tensor([[inf, 1.]]))", "importance: got inf", IMPORTANCE),
    ("train(importance=tensor([nan, 1.]))", "importance: got nan", IMPORTANCE),
    ("train(importance=ones(2, 2, 2))", "importance: got shape (2, 2, 2)", "(n,) and (I, n)"),
    ("train(importance=tensor(1.))", "importance: got ", ""),
    ("train(importance=ones(0, 2))", "importance: got ", ""),
    ("train(seeds=())", "seeds: got none", "allowed are whole numbers from 0"),
    ("train(seeds=(0, -1))", "seeds: got [-1]", "allowed are whole numbers from 0"),
    ("train(n_jobs=0)", "n_jobs", ""),
    ("Recipe(steps=0)", "steps: got 0", "allowed are whole numbers from 1"),
    ("Recipe(batch_size=0)", "batch_size: got 0", "allowed are whole numbers from 1"),
    ("Recipe(xavier_instances=-1)", "xavier_instances: got -1", "whole numbers from 0"),
    ("Recipe(learning_rate=-1.)", "learning_rate: got -1.0", "allowed are finite numbers from 0"),
    ("Recipe(learning_rate=inf)", "learning_rate: got inf", "allowed are finite numbers from 0"),
    ("Recipe(weight_decay=nan)", "weight_decay: got nan", "allowed are finite numbers from 0"),
    ("dimensions_per_feature(ones(2))", "weights: got shape (2,)", "allowed is (..., m, n)"),
    ("dimensions_per_feature(zeros(1, 2))", "weights: got a model that is zero", "something"),
    ("dimensions_per_feature(nan * ones(1, 2))", "weights: got a value that", "finite numbers"),
    ("feature_dimensionality(ones(2))", "weights: got shape (2,)", "allowed is (..., m, n)"),
    ("feature_dimensionality(inf * ones(1, 2))", "weights: got a value that", "finite numbers"),
]
ACCEPTED = [
    "loss(density=1).item() > 0",
    "loss(importance=[1, 2]).item() > 0",
    "loss(weights=tensor([[1, 2]]), bias=tensor([0, 0])).item() > 0",
    "loss(density=tensor([.1, .5]), importance=ones(3, 1, 2)).shape == (3, 2)",
    "train(density=1, importance=ones(2)).weights.shape == (1, 1, 1, 2, 1, 2)",
    "train(['relu', torch.sin], density=[.1, .5]).bias.shape == (2, 2, 3, 2, 2)",
    "train(density=tensor([.1, .5]), seeds=range(3)).losses.shape == (1, 1, 2, 3, 3)",
    "diagram(torch.log1p).activation == 'log1p'",  # not a number below -1, where no best model goes
]

(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)


def test_every_known_name_is_a_function_that_keeps_shapes() -> None:
    assert list(ACTIVATIONS) == ["linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu"]
    z = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0))
    for name, activation in ACTIVATIONS.items():
        assert resolve(name) is activation
        assert activation(z).shape == z.shape
        flat = activation(z.flatten(0, 1)).unflatten(0, (4, 3))
        torch.testing.assert_close(activation(z), flat)
        moved = activation(z + torch.tensor([0.0, 1.0]))[..., 0]
        assert torch.equal(moved, activation(z)[..., 0]) is activation.elementwise


def test_a_callable_is_taken_to_mix_its_inputs() -> None:
    assert resolve(torch.sin) == Activation(torch.sin, elementwise=False)
