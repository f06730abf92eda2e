"""What the second pretrained model still lacked to decide I-13 and I-17.

For I-13 other centres at the norm of the centred vectors, as `EFFECTS` has them of the first model.
For I-17 the other ways to make a vector: a sweep of them at every token alone, which is where the
first model had the best of each, and what the best settings do. They are studies of their own, so
that the tables of the others stay as they are.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from steering_core.publishing.studies import Study, load_study
from steering_core.steering.choice import best_setting
from steering_core.steering.experiment import Setting
from steering_core.steering.steering_study import EFFECTS, FOLDER, SWEEP, effect, sweep

CENTRES = ("isolated", "of_all_texts", "position_matched")
OTHERS = ("one_pair", "principal", "logistic", "whitened")


def _centre_tasks() -> list[dict[str, Any]]:
    centred = best_setting(load_study(SWEEP).table, "second", "centred")
    return [_run(f"{centre}_at_norm", centred) for centre in CENTRES]


def _sweep_tasks() -> list[dict[str, Any]]:
    return [
        {"model": "second", "kind": kind, "position": "every", "layer": layer}
        for kind in OTHERS
        for layer in range(1, 5)
    ]


def _other_tasks() -> list[dict[str, Any]]:
    table = load_study(SECOND_SWEEP).table
    return [_run(kind, best_setting(table, "second", kind)) for kind in OTHERS]


def _run(kind: str, setting: Setting) -> dict[str, Any]:
    return {"model": "second", "run": kind, "kind": kind, **asdict(setting)} | {
        "per_pair": 50,
        "seed": 0,
    }


SECOND_CENTRES = Study(
    name="steering-second-centres",
    tasks=_centre_tasks,
    run=effect,
    code=EFFECTS.code,
    folder=FOLDER,
    tolerance=EFFECTS.tolerance,
)
SECOND_SWEEP = Study(
    name="steering-second-sweep",
    tasks=_sweep_tasks,
    run=sweep,
    code=SWEEP.code,
    folder=FOLDER,
    tolerance=SWEEP.tolerance,
)
SECOND_OTHERS = Study(
    name="steering-second-others",
    tasks=_other_tasks,
    run=effect,
    code=EFFECTS.code,
    folder=FOLDER,
    tolerance=EFFECTS.tolerance,
)
