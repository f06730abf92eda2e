"""The claims of part IV on one latent: what the bias does, in closed form and by training."""

from steering_core.publishing.claims import Claim, Rule

DRAFT = "Taggart 2024, draft of SCSAE"
EXACT = "closed form; s in {0.5, 1, 2, 4}, n in {0, 0.1 s, 0.25 s, 0.5 s, 0.9 s}"
NOISE_FREE = "closed form; s in {0.5, 1, 2, 4}, n = 0"
TRAINED = (
    "feature active with probability 0.1, else noise uniform on [-n, n]; one latent, decoder of "
    "norm 1, Adam, 3,000 steps of 512 inputs, one seed"
)

CLAIMS = (
    Claim(
        id="IV-1",
        origin="source",
        source=f"{DRAFT}, Noise-free solution",
        statement="Without noise a unit encoder without bias is exact at every magnitude.",
        rules={"error": Rule("largest error over magnitudes 0 to 10 s", at_most=1e-6)},
        scope="toy",
        changes=(
            "2026-11-28: the setting named other noises beside n = 0, the only one here; nothing "
            "measured changed.",
        ),
        setting=NOISE_FREE,
    ),
    Claim(
        id="IV-2",
        origin="source",
        source=f"{DRAFT}, With noise, constant activation magnitude",
        statement=(
            "With noise up to n and one magnitude s, the encoder's norm is s/(s - n) and its bias "
            "-n times that norm: 2 and -1 at n = 0.5, s = 1."
        ),
        rules={
            "at_fitted": Rule("largest |output - s| at magnitude s", at_most=1e-6),
            "at_noise": Rule("largest output for noise up to n", at_most=1e-6),
            "example": Rule(
                "distance of (norm, bias) from (2, -1) at n = 0.5, s = 1", at_most=1e-6
            ),
        },
        scope="toy",
        setting=EXACT,
    ),
    Claim(
        id="IV-3",
        origin="source",
        source=f"{DRAFT}, Variable magnitudes problem",
        statement=(
            "Fitted to magnitude 1 with noise 0.5, magnitude 2 comes out as 3; the slope is "
            "s/(s - n), not 1."
        ),
        rules={
            "example": Rule("|output - 3| at magnitude 2, n = 0.5, s = 1", at_most=1e-6),
            "slope": Rule(
                "largest distance of the slope (finite differences) from s/(s - n)", at_most=1e-6
            ),
        },
        scope="toy",
        setting=EXACT,
    ),
    Claim(
        id="IV-4",
        origin="source",
        source=f"{DRAFT}, Variable magnitudes problem",
        statement=(
            "m times the fitted feature comes out as (1 + (m - 1)/(s - n)) v, which is the same as "
            "v + (m - 1)/(s - n) v^."
        ),
        rules={
            "vector": Rule(
                "largest error of the first formula over s, n and m from 1 to 4", at_most=1e-6
            ),
            "unit": Rule("largest error of the second formula", at_most=1e-6),
        },
        refuted_by={
            "law": Rule("largest error of s(ms - n)/(s - n)", at_most=1e-6),
            "only_at_one": Rule("largest error of both formulas at s = 1", at_most=1e-6),
            "example": Rule(
                "|output - 4.667| at s = 2, n = 0.5, m = 2, to three places", at_most=5e-4
            ),
        },
        scope="toy",
        setting=EXACT,
    ),
    Claim(
        id="IV-5",
        origin="source",
        source=f"{DRAFT}, With noise, constant activation magnitude",
        statement="Training finds that solution: norm s/(s - n), bias -n times the norm.",
        rules={
            "clean": Rule(
                "target the clean feature: largest distance of the trained norm from s/(s - n), "
                "relative, over starts at norms 0.5, 1, 2 and 4",
                at_most=0.05,
            ),
            "noisy": Rule(
                "target the noisy input, L1 penalty 0.1: largest distance of the trained norm from "
                "s/(s - n), relative, from norm 1",
                at_most=0.05,
            ),
        },
        refuted_by={
            "family": Rule(
                "target the clean feature: largest error, over the power, of the trained latents, "
                "whose norms differ",
                at_most=0.001,
            ),
            "norms": Rule(
                "largest over smallest trained norm in the same situation, median", at_least=1.1
            ),
            "norm_one": Rule(
                "target the noisy input: largest distance of the trained norm from 1, from norm 1",
                at_most=0.05,
            ),
            "half_penalty": Rule(
                "target the noisy input: largest distance of the trained bias from -lambda/2, from "
                "norm 1",
                at_most=0.02,
            ),
        },
        beside={
            "explained": Rule(
                "many latents: ReLU autoencoders with L1 of the frontier that the next chapter "
                "shows, at the true L0; share of the power along a latent's direction, while its "
                "feature is absent, that the other latents explain; 1 is the clean target, 0 the "
                "noisy",
                at_least=0.5,
            ),
        },
        changes=(
            "2026-11-28: the rules on the noisy target say that training began at norm 1, as it "
            "did, and the setting that there was one seed; nothing measured changed.",
        ),
        scope="toy",
        setting=(
            f"{TRAINED}; s in {{1, 2}}, n in {{0.1 s, 0.25 s, 0.5 s}}, exact but for the training"
        ),
    ),
    Claim(
        id="IV-6",
        origin="source",
        source=f"{DRAFT}, opening and Variable magnitudes problem",
        statement=(
            "With a bias that shifts, features of variable magnitude cannot be given back; with "
            "one that only gates they can. Binary features are fine."
        ),
        rules={
            "relu_spread": Rule(
                "least achievable error of ReLU over the power, smallest over the spreads above 0",
                at_least=1e-6,
            ),
            "relu_binary": Rule(
                "least achievable error of ReLU over the power without spread, largest over n",
                at_most=1e-9,
            ),
            "scsae": Rule(
                "least achievable error of SCSAE, largest over spreads and n", at_most=1e-9
            ),
            "relu_trained": Rule(
                "trained ReLU: error over the least achievable, largest over spreads",
                at_most=1.05,
            ),
            "scsae_trained": Rule(
                "trained SCSAE: error over the least of ReLU, largest over spreads", at_most=0.05
            ),
        },
        changes=(
            "2026-11-28: a rule that began with 'the same' was spelled out, and the setting says "
            "that there was one seed; nothing measured changed.",
        ),
        scope="toy",
        setting=(
            f"{TRAINED}; target the clean feature; magnitudes uniform on [1 - r, 1 + r], "
            "r in {0.1, 0.2, 0.3, 0.4, 0.5}, n in {0.1, 0.25, 0.45}, below every magnitude; "
            "the least error by quadrature; trained at n = 0.45"
        ),
    ),
    Claim(
        id="IV-7",
        origin="source",
        source=f"{DRAFT}, A solution (I think)",
        statement=(
            "SCSAE has slope 1 above its threshold and 0 below, and SCSAE(v + q v^) = "
            "(1 + q) SCSAE(v)."
        ),
        rules={
            "slope": Rule("largest distance of the slopes from 1 above and 0 below", at_most=1e-6),
            "adds": Rule(
                "largest error of (1 + q) SCSAE(v) over s, n and q from 0 to 3", at_most=1e-6
            ),
        },
        refuted_by={
            "slope": Rule("largest distance of the slopes from 1 above and 0 below", at_most=1e-6),
            "law": Rule("largest error of (1 + q/s) SCSAE(v)", at_most=1e-6),
            "adds_at_one": Rule("largest error of (1 + q) SCSAE(v) at s = 1", at_most=1e-6),
        },
        beside={
            "negative": Rule(
                "what the gate as drafted puts out at wx = -0.5, b = 1: a negative feature",
                at_most=0.0,
            ),
        },
        scope="toy",
        setting=EXACT,
    ),
    Claim(
        id="IV-8",
        origin="source",
        source=f"{DRAFT}, A solution (I think)",
        statement="The output of SCSAE has no gradient in the bias.",
        rules={
            "flat": Rule(
                "share of 10,000 random (m, b) whose finite difference in b is not 0", at_most=0.001
            ),
            "pseudo": Rule(
                "a check of the code: largest distance of the pseudo-gradients of SCSAE, SCSAE "
                "multiplied, ProLU as ReLU and ProLU's STE from their definitions, on the same "
                "draws",
                at_most=1e-6,
            ),
        },
        changes=(
            "2026-11-28: the four pseudo-gradients were named, and the part called what it is, a "
            "check of the code; nothing measured changed.",
        ),
        scope="toy",
        setting="m, b standard normal; central differences of 1e-5 in double precision",
    ),
)
