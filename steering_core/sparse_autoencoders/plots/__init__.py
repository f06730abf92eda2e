"""The drawings of part IV: each takes results and gives a figure, and computes nothing."""
