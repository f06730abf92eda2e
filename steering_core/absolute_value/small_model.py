"""Three features and six neurons: whether training finds the plain pairs."""

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.errors import feature_errors
from steering_core.absolute_value.neurons import rescaled
from steering_core.absolute_value.training import TrainedAbsoluteValue
from steering_core.publishing.claims import Measured


def small_models(trained: TrainedAbsoluteValue) -> pd.DataFrame:
    """For each seed of one density: largest second weight over the first of any neuron, sides of
    features that are some neuron's largest, and loss over V(p), mean over features."""
    w_in, w_out, bias = trained.w_in[0], trained.w_out[0], trained.bias[0]
    sizes = rescaled(w_in, w_out)[0].abs().topk(2, -1).values
    errors = feature_errors(w_in, w_out, bias, density=trained.densities[0])
    return pd.DataFrame(
        {
            "seed": trained.seeds.numpy(),
            "second": sizes[..., 1].amax(-1).numpy(),
            "sides": [_sides(one) for one in w_in],
            "loss": errors.mean(-1).numpy(),
        }
    )


def _sides(w_in: Float[Tensor, "m n"]) -> int:
    """How many (feature, sign) are the largest weight of a neuron."""
    main = w_in.abs().argmax(1)
    signs = w_in.gather(1, main[:, None])[:, 0].sign()
    return len({(int(i), int(s)) for i, s in zip(main, signs, strict=True) if s})


def best_small(trained: TrainedAbsoluteValue, table: pd.DataFrame) -> Net:
    """The seed of the lowest loss."""
    s = int(table["loss"].to_numpy().argmin())
    return Net(trained.densities[0], int(trained.seeds[s]), *trained.model(0, s))


def small_measures(table: pd.DataFrame) -> dict[str, Measured]:
    """The parts of III-1: of the best seed, and the share of seeds for which all rules hold."""
    best = int(table["loss"].to_numpy().argmin())
    good = (table["second"] <= 0.05) & (table["sides"] == 6) & (table["loss"] <= 1e-4)
    values = {name: table[name].to_numpy(float)[best] for name in ("second", "sides", "loss")}
    values["share"] = float(good.to_numpy().mean())
    return {name: Measured(value, n=len(table)) for name, value in values.items()}
