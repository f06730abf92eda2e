"""What is refused is named: the argument, what it got, and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..bad_input import bad_input_tests

PREAMBLE = """
from steering_core.language_model import *
from steering_core.language_model.residual import visit_residuals

model = load_model()
texts = ["The old wizard lifted his staff.", "Rain."]

def visit(layers):
    visit_residuals(model, texts, lambda *_: None, layers=layers)

def hooked(name):
    hooked = load_model()
    hooked.add_hook(name, lambda activations, hook: activations)
    return hooked

def unhooked(name):
    free = hooked(name)
    free.reset_hooks()
    return free
"""

NONE = ("texts: got none", "at least one text is needed")
TOO_FEW = (
    "texts: too few tokens",
    "beside the first of each, which skip_first leaves out; give longer texts",
)
CENTRES = '"tokens" and "positions" are allowed'
LAYER_RULE = "0 (the embeddings) to 3 (the last output) are allowed"
HOOKED = (
    "statistics are of the model as it is, so remove it first (model.reset_hooks(), or leave the "
    "steering block)"
)

# Case, and what its message begins with and ends with.
REFUSED = [
    ("residual_mean(model, [])", *NONE),
    ("residual_mean(model, iter([]))", *NONE),
    ("mean_cosine(model, [])", *NONE),
    ("residual_norms(model, [])", *NONE),
    ("top_dimensions(model, [], 1)", *NONE),
    ("residual_mean(model, '')", "texts[0]: got an empty text", "leave it out"),
    ("residual_mean(model, [*texts, ''])", "texts[2]: got an empty text", "leave it out"),
    ("residual_mean(model, [' \\n', *texts])", "texts[0]: got an empty text", "leave it out"),
    ("mean_cosine(model, texts * 300 + [''])", "texts[600]: got an empty text", "leave it out"),
    ("residual_norms(model, ['', *texts])", "texts[0]: got an empty text", "leave it out"),
    ("top_dimensions(model, [*texts, '', ''], 1)", "texts[2]: got an empty text", "leave it out"),
    ("residual_mean(model, [*texts, None])", "texts[2]: got NoneType", "a str is allowed"),
    ("residual_mean(model, [3])", "texts[0]: got int", "a str is allowed"),
    ("mean_cosine(model, [texts])", "texts[0]: got list", "a str is allowed"),
    ("residual_mean(model, [b'Rain.'])", "texts[0]: got bytes", "a str is allowed"),
    ("residual_mean(model, texts, centre='text')", "centre: got 'text'", CENTRES),
    ("residual_mean(model, texts, centre=None)", "centre: got None", CENTRES),
    ("residual_mean(model, ['q', 'z'])", *TOO_FEW),
    ("residual_mean(model, ['q', 'z'], centre='positions')", *TOO_FEW),
    ("mean_cosine(model, ['q', 'z'])", *TOO_FEW),
    ("mean_cosine(model, ['q', 'qz'])", *TOO_FEW),
    ("mean_cosine(model, ['q'], skip_first=False)", "texts: too few tokens", "give longer texts"),
    ("top_dimensions(model, ['q', 'z'], 1)", *TOO_FEW),
    ("top_dimensions(model, texts, 4)", "layer: got 4", LAYER_RULE),
    ("top_dimensions(model, texts, -1)", "layer: got -1", LAYER_RULE),
    ("visit([0, 7])", "layer: got 7", LAYER_RULE),
    ("visit([])", "layer: got none", LAYER_RULE),
    ("top_dimensions(model, texts, 1, k=0)", "k: got 0", "1 to 32 are allowed"),
    ("top_dimensions(model, texts, 1, k=33)", "k: got 33", "1 to 32 are allowed"),
    *(
        (f"{call.format(f'hooked({name!r})')}", f"model: a hook is attached at {found}", HOOKED)
        for call in ("residual_mean({}, texts)", "mean_cosine({}, texts)")
        for name, found in [
            ("blocks.1.hook_out", "blocks.1.hook_out"),
            ("blocks.0.attn.hook_in", "blocks.0.attn.hook_in"),
            ("blocks.2.hook_resid_pre", "blocks.2.hook_in"),
        ]
    ),
]
ACCEPTED = [
    "residual_mean(model, ['q', 'z'], skip_first=False).isfinite().all().item()",
    "residual_mean(model, ['q', 'z'], prepend_bos=True).isfinite().all().item()",
    "residual_mean(model, ['q', *texts], progress=True).isfinite().all().item()",
    "residual_mean(model, 'Rain.').equal(residual_mean(model, ['Rain.']))",
    "residual_mean(unhooked('blocks.1.hook_out'), texts).equal(residual_mean(model, texts))",
    "mean_cosine(model, ['qz'], skip_first=False).isfinite().all().item()",
    "residual_norms(model, ['q']).isfinite().sum().item() == 4",
    "top_dimensions(model, texts, 3, k=32)[0].sort().values.tolist() == [*range(32)]",
]


@pytest.fixture(autouse=True)
def tiny_model(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the cases load."""
    monkeypatch.setenv("STEERING_CORE_MODEL", str(folders["gpt2"]))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)
