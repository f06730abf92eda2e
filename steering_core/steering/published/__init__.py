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
