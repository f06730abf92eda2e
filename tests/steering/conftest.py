"""The tiny models of the tests of the language model serve here too."""

from ..language_model.conftest import (
    folder,
    folders,
    gpt2,
    model,
    offline,
    one_thread,
    tokenizer,
)

__all__ = ["folder", "folders", "gpt2", "model", "offline", "one_thread", "tokenizer"]
