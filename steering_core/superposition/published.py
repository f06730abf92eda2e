"""Numbers that the source works published, read off their figures' own files."""

import numpy as np
from jaxtyping import Float

# Lad & Kostolansky 2023, "Sparsity vs Dimensions Per Feature": the traces of the interactive
# figure (github.com/deep-learning-mit/staging, assets/html/2023-11-10-superposition/file.html),
# rounded to four decimals. n=200, m=20, importance 1; 1/(1-S) from 1 to 20, in even steps of its
# logarithm.
_DIMENSIONS = {
    "linear": "1.004 1.0028 1.0025 1.0018 1.0014 1.001 1.0009 1.0003 1. 1.0002 "
    "0.9998 0.9997 0.9993 0.9989 0.9987 0.9987 0.9987 0.9986 0.9984 0.9984",
    "relu": "1.0036 0.9994 0.9472 0.8392 0.5831 0.5261 0.5099 0.5046 0.5022 0.4393 "
    "0.3808 0.325 0.3097 0.2636 0.2365 0.2059 0.1886 0.1688 0.1521 0.1358",
    "gelu": "0.9573 0.9157 0.8636 0.7549 0.6664 0.5928 0.5327 0.4925 0.4654 0.4498 "
    "0.4391 0.4246 0.4169 0.3996 0.4061 0.3884 0.3774 0.3616 0.3574 0.351",
    "silu": "0.8365 0.8012 0.7617 0.6923 0.6199 0.5685 0.5248 0.4895 0.4635 0.4424 "
    "0.429 0.4186 0.4114 0.4042 0.4013 0.3911 0.3884 0.3864 0.3779 0.3835",
    "sigmoid": "0.2334 0.2159 0.179 0.1465 0.1203 0.1048 0.0951 0.0887 0.084 0.0803 "
    "0.0765 0.0707 0.0664 0.0629 0.0602 0.06 0.0549 0.058 0.0557 0.0556",
    "tanh": "0.7572 0.8219 0.8697 0.9046 0.9299 0.9485 0.9613 0.9723 0.9793 0.9857 "
    "0.9905 0.9936 0.9968 0.9985 1.0003 1.0012 1.002 1.0023 1.0029 1.0036",
    "solu": "0.5377 0.4834 0.4312 0.3819 0.3232 0.2762 0.2496 0.2297 0.2119 0.1791 "
    "0.1533 0.1373 0.1188 0.106 0.0919 0.0824 0.074 0.0656 0.058 0.0508",
}


def dimensions_per_feature_curves() -> dict[str, Float[np.ndarray, " 20"]]:
    """D* at the 20 densities from 1 to 1/20, for each activation."""
    return {name: np.array([float(v) for v in row.split()]) for name, row in _DIMENSIONS.items()}
