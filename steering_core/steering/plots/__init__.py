"""Figures of part I, each a function from results to a figure; nothing here computes a result."""

from steering_core.steering.plots.anisotropy import (
    BINS,
    agreement_lines,
    band_table,
    cloud,
    cosine_explorer,
    cosine_histograms,
    cosine_lines,
    cosine_lines_interactive,
    histogram_table,
    layer_map,
    layer_table,
    norm_profile,
    norm_table,
    published_curves,
    share_lines,
    writer_map,
    writer_table,
)
from steering_core.steering.plots.layer_norm import strength_lines, strength_table
from steering_core.steering.plots.model import continuation, training_curve

__all__ = [
    "BINS",
    "agreement_lines",
    "band_table",
    "cloud",
    "continuation",
    "cosine_explorer",
    "cosine_histograms",
    "cosine_lines",
    "cosine_lines_interactive",
    "histogram_table",
    "layer_map",
    "layer_table",
    "norm_profile",
    "norm_table",
    "published_curves",
    "share_lines",
    "strength_lines",
    "strength_table",
    "training_curve",
    "writer_map",
    "writer_table",
]
