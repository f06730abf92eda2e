"""Published numbers that chapters show beside their own, each with its source."""

from pathlib import Path

import pandas as pd


def gpt2_xl_mean_cosine() -> pd.DataFrame:
    """Mean cosine of residual activations at the output of each block of GPT-2 XL.

    Read from the vector graphics of Jorgensen's figure (repository
    ojorgensen/activation-additions, run of 7 November 2023; 44 strings of under 1,000 characters,
    all pairs of tokens): `block` from 0 to 47, `mean_cosine`.
    """
    return pd.read_csv(Path(__file__).parent / "gpt2_xl_mean_cosine.csv")


def published_function_vectors() -> pd.DataFrame:
    """How often a function vector makes a model do a task, uncentred and with the mean taken away.

    Recomputed from the raw results of Jorgensen et al. 2023 (arXiv 2312.03813; repository
    ojorgensen/activation-additions at 178739a, `results/*/gptj-final*` and `results/*/llama7B`):
    zero-shot accuracy of the first token, the vector added with coefficient 1 at the last token of
    the prompt to the output of block `layer`, blocks from 0.

    A row for each `model`, `task`, `layer` and `seed` with the accuracies `uncentred` and
    `centred`, which share the seed, and so the test words; `no_steering` is the accuracy without a
    vector, one number for each model and task. The runs of GPT-J differ in their seeds, so a seed's
    number says nothing across layers.
    """
    return pd.read_csv(Path(__file__).parent / "function_vectors.csv")


def published_gpt_j_cosine() -> pd.DataFrame:
    """Mean cosine of residual activations at the outputs of the first 19 of GPT-J's 28 blocks.

    Jorgensen et al. 2023 (arXiv 2312.03813), appendix A, to three digits: `block` from 0 to 18,
    `mean_cosine`.
    """
    return pd.read_csv(Path(__file__).parent / "gpt_j_mean_cosine.csv")
