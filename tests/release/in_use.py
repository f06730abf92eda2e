"""Uses an installed steering_core as a newcomer would, and says on the last line what happened.

Run in an environment of its own, by `test_installed.py`; not a test.
"""

import importlib
import json
import pkgutil
import random
import sys

contacted: list[str] = []
NETWORK = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname"}
sys.addaudithook(lambda event, _: contacted.append(event) if event in NETWORK else None)

import numpy as np  # noqa: E402
import torch  # noqa: E402


def state() -> list[object]:
    """Of every global generator."""
    numpys = np.random.get_state(legacy=False)  # noqa: NPY002
    return [torch.get_rng_state().tolist(), str(numpys), random.getstate()]


def import_all() -> tuple[list[str], dict[str, str]]:
    """Each module of the package; gives the imported, and what those that failed had lacked."""
    imported, lacking = [], {}
    import steering_core

    for module in pkgutil.walk_packages(steering_core.__path__, "steering_core."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
                imported.append(module.name)
            except ModuleNotFoundError as error:
                lacking[module.name] = str(error.name)
    return imported, lacking


def steer_a_sentence() -> tuple[str, str]:
    """The continuation of one prompt, plain and steered."""
    from steering_core.language_model import load_model, load_texts, residual_mean
    from steering_core.steering import generate, isolate, steer

    model = load_model()
    stage, stories = (
        residual_mean(model, load_texts(of)[:20]) for of in ("shakespeare", "stories")
    )
    vector, prompt = isolate(stage, stories), ["The captain looked up and"]
    (plain,) = generate(model, prompt, max_new_tokens=20, seed=0)
    with steer(model, vector[3], layer=3, coefficient=4.0, position="every"):
        (steered,) = generate(model, prompt, max_new_tokens=20, seed=0)
    return plain, steered


before = state()
imported, lacking = import_all()
after_imports = state()
plain, steered = steer_a_sentence()
import steering_core  # noqa: E402

print(
    json.dumps(
        {
            "file": steering_core.__file__,
            "version": steering_core.__version__,
            "imported": imported,
            "lacking": lacking,
            "contacted": contacted,
            "drawn_at_import": before != after_imports,
            "drawn_in_use": after_imports != state(),
            "plain": plain,
            "steered": steered,
        }
    )
)
