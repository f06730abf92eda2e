"""Our recipe beside the usual one, on the machine that runs this."""

import pandas as pd

from steering_core.absolute_value.recipe import USUAL
from steering_core.absolute_value.training import TrainedAbsoluteValue
from steering_core.absolute_value.usual import train_usual


def compare(trained: TrainedAbsoluteValue, *, steps: int = 20) -> pd.DataFrame:
    """Seconds that both recipes need for the nets of `trained`; the usual one is timed for a few
    steps of one net a density, after as many that do not count, and scaled up.

    Args:
        trained: nets of absolute values that were trained by our recipe.
        steps: how many are timed.

    Raises:
        ValueError: steps below 1.
    """
    nets = len(trained.densities) * len(trained.seeds)
    setting = {
        "importance": trained.importance,
        "n_hidden": trained.w_in.shape[2],
        "densities": trained.densities,
    }
    train_usual(**setting, steps=steps)
    each = train_usual(**setting, steps=steps).seconds / steps / len(trained.densities)
    usual = each * USUAL.steps * nets
    return pd.DataFrame(
        {
            "seconds": [usual, trained.seconds],
            "seconds a net": [usual / nets, trained.seconds / nets],
            "times as fast": [1.0, usual / trained.seconds],
        },
        index=["usual recipe", "ours"],
    )
