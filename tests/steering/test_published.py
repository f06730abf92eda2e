"""The published curve is the one that was read from the figure."""

from __future__ import annotations

from steering_core.steering.published import gpt2_xl_mean_cosine


def test_the_curve_of_gpt2_xl_has_its_known_shape() -> None:
    table = gpt2_xl_mean_cosine()
    assert list(table) == ["block", "mean_cosine"]
    assert table["block"].tolist() == list(range(48))
    curve = table["mean_cosine"].to_numpy()
    assert ((curve > 0.4) & (curve < 0.8)).all()
    assert 3 <= curve.argmax() <= 5
    assert 33 <= curve.argmin() <= 40
    assert curve[-1] - curve[-5] >= 0.15
