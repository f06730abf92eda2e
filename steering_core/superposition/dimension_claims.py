"""The claims of part II on 200 features in 20 dimensions: dimensions per feature, D*."""

from steering_core.publishing.claims import Claim, Rule

LAD = "Lad & Kostolansky 2023"
ELHAGE = "Elhage et al. 2022"

LARGE = (
    "n=200, m=20, importance 1; trained by the source's recipe (AdamW 1e-3, weight decay 0.01, "
    "batch 1024, 10,000 steps, Xavier over the axis of its 20 instances, as published); 20 "
    "densities, 1/(1-S) = 20^(k/19); three seeds; D* = m/|W|^2, mean over seeds; interval: 99% "
    "bootstrap over the seeds"
)
SEEDS = (
    "2026-11-21: two seeds of the published recipe in place of three, to save half an hour of "
    "computing; before the first result.",
    "2026-11-28: the third seed was added, so that no verdict rests on fewer; the verdict of the "
    "first two was known.",
)
_CURVE = "largest distance between our D* and the published one over the 20 densities, "

CLAIMS = (
    Claim(
        id="II-3",
        origin="source",
        source=f"{LAD}, Bringing Them All Together",
        statement="ReLU sticks at D* = 1 and 1/2; no other activation does.",
        rules={
            "relu_half": Rule("ReLU's levels of 20 within 0.03 of 1/2", at_least=3.0),
            "relu_one": Rule("ReLU's levels of 20 within 0.03 of 1", at_least=2.0),
            "others": Rule(
                "longest run of levels within 0.03 of 1/2 that fall by less than 0.05 a level, of "
                "any other activation",
                at_most=2.0,
            ),
        },
        beside={
            "published_silu": Rule("the same run in the published curve of SiLU", at_most=2.0),
        },
        changes=SEEDS,
        scope="toy",
        setting=LARGE,
    ),
    Claim(
        id="II-4",
        origin="source",
        source=f"{LAD}, Bringing Them All Together, interactive figure",
        statement="The published curves of D* against density, for seven activations.",
        rules={
            name: Rule(_CURVE + name, at_most=0.05)
            for name in ("linear", "relu", "gelu", "silu", "sigmoid", "tanh", "solu")
        },
        beside={
            "solu_over_models": Rule(
                "the same distance for SoLU with its softmax over the 20 models that are trained "
                "as one tensor, and not over the outputs (a short recipe)",
                at_most=0.05,
            ),
        },
        changes=(
            *SEEDS,
            "2026-11-21: the softmax over the models was added beside the claim after trials in "
            "which SoLU over the outputs missed the published curve by far. It does not decide.",
        ),
        scope="toy",
        setting=LARGE,
    ),
    Claim(
        id="II-5",
        origin="source",
        source=f"{LAD}, GeLU/SiLU and Bringing Them All Together",
        statement="GELU and SiLU give very similar results.",
        rules={
            "dimensions": Rule(
                "largest difference of D* between GELU and SiLU from 1/(1-S) = 1.88 on",
                at_most=0.05,
            ),
            "phases": Rule(
                "share of cells of the trained phase diagram where both have the same label",
                at_least=0.9,
            ),
        },
        beside={
            "phases_exact": Rule(
                "share of cells with the same label, at the optimum", at_least=0.9
            ),
            "dimensions_dense": Rule(
                "largest difference of D* between GELU and SiLU over all densities", at_most=0.05
            ),
        },
        changes=SEEDS,
        scope="toy",
        setting=(
            "phases: n=2, m=1, trained, 12 densities by 11 importances, the best of ten restarts a "
            f"cell, interval over restarts; the exact labels on the same cells; D*: {LARGE}"
        ),
    ),
    Claim(
        id="II-11",
        origin="source",
        source=f"{LAD}, Bringing Them All Together",
        statement="Sigmoid and SoLU pack nearly 20 features into a dimension at high sparsity.",
        rules={
            "sigmoid": Rule(
                "represented features (r_i > 1/2) over dimensions, sigmoid, density 0.05",
                at_least=18.0,
            ),
            "solu": Rule("the same, SoLU", at_least=18.0),
        },
        refuted_by={
            "sigmoid_inflated": Rule(
                "1/D* over n/m, sigmoid, density 0.05: above 1 it cannot be a count", at_least=1.01
            ),
            "solu_inflated": Rule("the same, SoLU", at_least=1.01),
            "sigmoid_capacity": Rule(
                "sum of the feature dimensionalities D_i over m, sigmoid, density 0.05",
                at_most=1.0001,
            ),
            "solu_capacity": Rule("the same, SoLU", at_most=1.0001),
        },
        beside={
            "sigmoid_raw": Rule(
                "D* of sigmoid at density 0.05, published 0.056", at_least=0.046, at_most=0.066
            ),
            "solu_raw": Rule(
                "D* of SoLU at density 0.05, published 0.051", at_least=0.041, at_most=0.061
            ),
            "sigmoid_overlap": Rule(
                "sum of cos^2 with the other features, mean over sigmoid's features, density 0.05",
                at_least=1.0,
            ),
        },
        changes=(
            *SEEDS,
            "2026-11-29: said here that the plan asked for the raw D* within 0.01 of the published "
            "ones, which stand beside: SoLU's fails, so that the verdict would be the same. The "
            "counts decide since before the first result, as 'nearly 20 features' is one; with "
            "200 features in 20 dimensions it cannot be more than 10.",
        ),
        scope="toy",
        setting=LARGE,
    ),
    Claim(
        id="II-16",
        origin="source",
        source=f"{ELHAGE}, The Geometry of Superposition",
        statement="Feature dimensionalities bunch at 1, 3/4, 2/3, 1/2, 2/5 and 3/8.",
        rules={
            part: Rule(
                f"features with D_i within 0.005 of {fraction}, over those within 0.005 of the "
                "places 0.0125 to either side (their mean), ReLU",
                at_least=2.0,
            )
            for part, fraction in (
                ("whole", "1"),
                ("tetrahedron", "3/4"),
                ("triangle", "2/3"),
                ("pair", "1/2"),
                ("pentagon", "2/5"),
                ("antiprism", "3/8"),
            )
        },
        beside={
            "near_any": Rule(
                "share of features with D_i of at least 0.1 that lie within 0.02 of any of the six",
                at_least=0.5,
            ),
        },
        changes=(
            "2026-11-21: eight seeds of our recipe in place of the published one, to save an hour "
            "of computing; before the first result. Ours cools down, so that the D_i tremble less.",
            "2026-11-29: said here that no feature lies at or beside 1 and 3/4; their ratios are "
            "those of the two features that were added, and no measurement.",
        ),
        scope="toy",
        setting=(
            "ReLU; for each fraction the density is chosen on half of the seeds, where most "
            "features lie within 0.005 of it, and the ratio taken on the other half; one feature "
            "is added to either count, so that none divides by zero; n=200, m=20, importance 1; "
            "our recipe, 20 densities from 1 to 0.05, eight seeds; 99% bootstrap interval over the "
            "four that the ratio is taken on"
        ),
    ),
)
