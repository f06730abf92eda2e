"""The claims of part IV on autoencoders of many latents, against features that are known."""

from steering_core.publishing.claims import Claim, Rule

DRAFT = "Taggart 2024, draft of SCSAE"
POST = "Taggart 2024, ProLU"

SETTING = (
    "400 features of densities 0.002 to 0.015 and magnitudes 0.5 to 1.5 in 64 dimensions, noise of "
    "at most 0.05 a coordinate; 256 latents, 20,000 steps of 128 inputs; 5 seeds, each of a ground "
    "truth, inputs and weights of its own; every architecture tuned by four runs of three "
    "penalties on another seed; 99% bootstrap intervals over seeds"
)
MATCHED = (
    f"{SETTING}; read off at L0 2.58, the true number of active features, between the penalties "
    "that were trained"
)
CONTROLS = (
    "as the frontier, ProLU with ReLU's gradient, two to six penalties, 4 seeds; errors the "
    "least over penalties with an L0 of at most 3.23, 1.25 times the true number"
)
SHORT = f"{CONTROLS}; 10,000 steps"
AT_EQUAL = (
    "equal L0: five, evenly in ratio between the ends of what both reach in a seed, up to 3.23"
)
BORN_DEAD = (
    f"{CONTROLS}; 20,000 steps, biases that begin at -5: half of the latents are dead at first"
)
PILOT = (
    "2026-11-21: committed after a pilot on one other seed (100) had been seen, which served to "
    "choose densities, penalties and rates."
)

FOUR = (
    "2026-11-21: while the study ran, and two of its seeds had been seen, four seeds took "
    "the place of five, for want of time to compute."
)

NOTHING = (
    "2026-11-21: when one seed was seen to have no penalty so sparse, it was settled that such a "
    "seed counts with the error of saying nothing, 1."
)

SPELLED = (
    "2026-11-28: rules that said 'the same' of another rule were spelled out; nothing measured "
    "changed."
)

EQUAL = (
    "2026-11-29: compared at equal L0, as planned before the first run; the rule as committed "
    "compared least errors of autoencoders that are not equally sparse. For betas six penalties "
    "were trained in place of two, so that both reach the same L0. That smaller betas have less "
    "error where the two penalties met had been seen before."
)

CLAIMS = (
    Claim(
        id="IV-9",
        origin="source",
        source=f"{DRAFT}, With noise; A solution",
        statement="Learned thresholds sit at the noise ceiling of each latent.",
        rules={
            "rank": Rule(
                "Spearman's correlation of -b/|w| with the most noise that a latent meets in "
                "16,384 inputs, over latents, mean over seeds",
                at_least=0.5,
            ),
            "ratio": Rule(
                "-b/|w| over that ceiling, median over latents, mean over seeds",
                at_least=0.8,
                at_most=1.25,
            ),
        },
        refuted_by={
            "ratio": Rule(
                "-b/|w| over the ceiling, median over latents, mean over seeds", at_most=0.5
            ),
        },
        beside={
            "ratio_p999": Rule(
                "-b/|w| over the 99.9th percentile of the noise in place of its maximum",
                at_least=0.8,
                at_most=1.25,
            ),
            "ratio_ste": Rule(
                "ProLU with the STE gradient: -b/|w| over the ceiling", at_least=0.8, at_most=1.25
            ),
            "ratio_relu": Rule("ReLU with L1: -b/|w| over the ceiling", at_least=0.8, at_most=1.25),
        },
        changes=(PILOT, SPELLED),
        scope="toy",
        setting=(
            "ProLU with ReLU's gradient, latents that fire and whose decoder has a cosine of at "
            f"least 0.7 with a feature; {MATCHED}"
        ),
    ),
    Claim(
        id="IV-10",
        origin="source",
        source=f"{DRAFT}, A solution (footnote)",
        statement=(
            "The gradient of a multiplied bias learns good solutions faster, and then often "
            "degrades: U-shaped loss curves."
        ),
        rules={
            "faster": Rule(
                "steps to 1.1 times the final loss with ReLU's gradient (SCSAE), over the steps "
                "that one needs, geometric mean over penalties and seeds",
                at_most=0.95,
            ),
            "degrades": Rule(
                "share of runs whose last 600 steps have a loss more than 5% above their lowest "
                "600",
                at_least=0.5,
            ),
        },
        beside={
            "faster_lowest": Rule(
                "the multiplied bias: steps to 1.1 times the lowest loss of ReLU's gradient, "
                "likewise",
                at_most=0.95,
            ),
            "faster_ste": Rule("ProLU's STE gradient: steps to the first loss", at_most=0.95),
            "degrades_ste": Rule("ProLU's STE gradient: share that degrades", at_least=0.5),
            "degrades_relu": Rule("ReLU's gradient: share that degrades", at_least=0.5),
        },
        changes=(
            PILOT,
            "2026-11-21: after the first curves had been seen, the steps to the lowest loss were "
            "added beside. ReLU's gradient degrades so much that its final loss, which the rule "
            "asks for, is passed by all on the way down. The rule stays.",
        ),
        scope="toy",
        setting=(
            "as the frontier, at a constant rate (that tuned for ReLU's gradient) and without "
            "resampling, 20,000 steps, two penalties, 5 seeds; a run that never gets there "
            "counts with 20,000 steps; intervals over seeds"
        ),
    ),
    Claim(
        id="IV-11",
        origin="source",
        source=f"{DRAFT}, Necessity of L1",
        statement=(
            "Training may fail without an L1 penalty or another cause of consistent "
            "underestimates: pushes on the bias would be half up, half down."
        ),
        rules={
            "fails": Rule("F1 at L1 = 0 over the F1 at penalty 1.6", at_most=0.5),
            "balance": Rule(
                "share of right activations that push their bias up, at L1 = 0",
                at_least=0.4,
                at_most=0.6,
            ),
            "recovers": Rule(
                "F1 at L1 = 0 with a target of 0.8 times the input, over the F1 at penalty 1.6",
                at_least=0.8,
            ),
        },
        beside={
            "recovers_l0": Rule(
                "F1 with an L0 penalty (4) in place of the L1, over the F1 at L1 penalty 1.6",
                at_least=0.8,
            ),
            "l0_at_zero": Rule("L0 at L1 = 0, over that at penalty 1.6", at_most=2.0),
            "pushes_with": Rule(
                "share of right activations that push their bias up at penalty 1.6", at_least=0.6
            ),
            "negative_at_zero": Rule("share of negative biases at L1 = 0", at_least=0.8),
        },
        changes=(
            PILOT,
            FOUR,
            SPELLED,
            "2026-11-29: said here that the plan asked for the drift of thresholds as well, which "
            "was not recorded, and for an L0 penalty beside the shrunken target: it recovers, but "
            "as it shortens nothing, it decides nothing on underestimates.",
        ),
        scope="toy",
        setting=(
            f"{SHORT}; the balance is over the seeds in which a latent points along a feature "
            "without a penalty"
        ),
    ),
    Claim(
        id="IV-12",
        origin="source",
        source=f"{DRAFT}, Betas",
        statement="Betas (0.9, 0.999) do; smaller ones are no better.",
        rules={
            "same": Rule(
                "error with (0.9, 0.99) over that with (0.9, 0.999) at equal L0, geometric mean",
                at_least=0.95,
            ),
        },
        beside={
            "sparse": Rule(
                "least error with an L0 of at most 3.23 likewise, whatever the L0: the rule until "
                "2026-11-29",
                at_least=0.95,
            ),
            "l0": Rule(
                "L0 with (0.9, 0.99) over that with (0.9, 0.999) at penalty 0.2",
                at_least=0.95,
                at_most=1.05,
            ),
        },
        changes=(FOUR, EQUAL),
        scope="toy",
        setting=f"{SHORT}; {AT_EQUAL}",
    ),
    Claim(
        id="IV-13",
        origin="source",
        source=f"{DRAFT}, Resampling",
        statement=(
            "Resampled encoders at 0.2 of the usual norm make SCSAE's loss spike; smaller ones "
            "do not."
        ),
        rules={
            "spikes": Rule(
                "rise of the loss after resampling at 0.2 (highest 50 steps of the 500 after, over "
                "the mean of the 500 before, less 1; mean over penalties), less the same where "
                "the dead are left",
                at_least=0.1,
            ),
            "small": Rule("rise of the loss after resampling at 0.02, likewise", at_most=0.05),
        },
        beside={
            "redrawn": Rule(
                "times that a latent was drawn anew at 0.2, of 256, some more than once",
                at_least=64.0,
            ),
            "spikes_cold": Rule(
                "rise of the loss after resampling at 0.2 where the rate is not warmed up again",
                at_least=0.1,
            ),
        },
        changes=(
            FOUR,
            SPELLED,
            "2026-11-29: said here that the plan asked for scales up to 0.5, of which two were "
            "trained, and that at both of them the rate is warmed up again; what happens without "
            "that stands beside.",
        ),
        scope="toy",
        setting=f"{BORN_DEAD}; the rate is warmed up again over 2,000 steps",
    ),
    Claim(
        id="IV-14",
        origin="source",
        source=f"{DRAFT}, Resampling",
        statement=(
            "After resampling the rate should be warmed up again, over 2/(1 - beta2) steps."
        ),
        rules={
            "helps": Rule("error without over error with, geometric mean", at_least=1.05),
        },
        refuted_by={
            "helps": Rule(
                "error without over error with, geometric mean: no difference",
                at_least=0.95,
                at_most=1.05,
            ),
        },
        beside={
            "spike": Rule("rise of the loss after resampling, without less with", at_least=0.0),
            "l0": Rule(
                "L0 without over L0 with, at penalty 0.4: whether errors are of like sparsity",
                at_least=0.8,
                at_most=1.25,
            ),
        },
        changes=(
            FOUR,
            NOTHING,
            SPELLED,
            "2026-11-29: the two L0 were put beside. They are not alike, so that much of the "
            "difference in error is one of sparsity; no penalty makes them equal.",
        ),
        scope="toy",
        setting=f"{BORN_DEAD}; encoders at 0.2",
    ),
    Claim(
        id="IV-15",
        origin="source",
        source=f"{DRAFT}, Normalization; Resampling",
        statement=(
            "Normalising by the mean norm does as well as dividing by standard deviations, and "
            "ghost gradients are no better than resampling."
        ),
        rules={
            "std": Rule(
                "best F1 with the mean norm over the best with standard deviations, coordinates "
                "stretched by up to 10",
                at_least=0.95,
            ),
            "ghost": Rule(
                "error with ghost gradients over that with resampling, neither warmed again",
                at_least=0.95,
            ),
        },
        beside={
            "std_error": Rule(
                "error with standard deviations over that with the mean norm, at equal L0",
                at_least=0.95,
            ),
            "left": Rule("error with dead latents left alone over resampling", at_least=0.95),
            "alive_resampled": Rule("share of latents alive at the end, resampled", at_least=0.95),
            "alive_ghost": Rule(
                "share of latents alive at the end, ghost gradients", at_least=0.95
            ),
            "alive_left": Rule("share of latents alive at the end, left alone", at_least=0.95),
        },
        changes=(
            FOUR,
            NOTHING,
            SPELLED,
            "2026-11-29: said here that the plan asked for error at equal L0, which stands beside "
            "and is compared at equal L0 now. F1 has decided since before the first run, as error "
            "in the units of the activations favours what was trained in them.",
        ),
        scope="toy",
        setting=f"normalisation: {SHORT}; {AT_EQUAL}; ghost gradients: {BORN_DEAD}",
    ),
    Claim(
        id="IV-16",
        origin="source",
        source=f"{POST}; {DRAFT}, Results",
        statement="ProLU is a Pareto improvement over ReLU with L1 and over ReLU with sqrt(L1).",
        rules={
            "over_l1": Rule(
                "of five L0 (1.55, 2.07, 2.58, 3.62, 5.17) those at which ProLU's error is below "
                "that of ReLU with L1, for the whole interval of the paired ratio",
                at_least=3.0,
            ),
            "over_sqrt": Rule(
                "of these L0 those at which ProLU's error is below that of ReLU with sqrt(L1), "
                "likewise",
                at_least=3.0,
            ),
            "never_worse": Rule(
                "of these L0 those at which either has less error than ProLU, likewise",
                at_most=0.0,
            ),
        },
        refuted_by={
            "never_worse": Rule(
                "of these L0 those at which either of the two has less error than ProLU",
                at_least=3.0,
            ),
        },
        beside={
            **{
                f"over_{name}": Rule(
                    f"of these L0 those at which ProLU's error is below that of {words}, likewise",
                    at_least=3.0,
                )
                for name, words in (
                    ("gated", "Gated"),
                    ("jumprelu", "JumpReLU"),
                    ("topk", "TopK"),
                    ("batch_topk", "BatchTopK"),
                )
            },
            "ste_over_l1": Rule(
                "of these L0 those at which the error of ProLU with the STE gradient is below that "
                "of ReLU with L1, likewise",
                at_least=3.0,
            ),
            "f1": Rule("F1 at L0 2.58, less that of ReLU with L1", at_least=0.0),
            "mcc": Rule("MCC at L0 2.58, less that of ReLU with L1", at_least=0.0),
        },
        changes=(
            PILOT,
            SPELLED,
            "2026-11-29: an L0 that not every seed of a rival reaches is no longer counted as won; "
            "one was so for ReLU with L1, one for Gated, one for JumpReLU, and one for the STE "
            "gradient over ReLU with L1. And said here that the "
            "plan asked only for less error at three of five L0, which holds; that a Pareto gain "
            "is nowhere worse, too, was added before the first run.",
        ),
        scope="toy",
        setting=f"ProLU with ReLU's gradient; {SETTING}",
    ),
    Claim(
        id="IV-17",
        origin="source",
        source=f"{POST}, comments of the author",
        statement="Of the learned biases 80 to 99% are negative.",
        rules={
            "most": Rule(
                "share of negative biases among latents that fire, ProLU with ReLU's gradient, "
                "biases that begin at 0, mean over penalties",
                at_least=0.8,
            ),
            "not_all": Rule(
                "share of negative biases among latents that fire, likewise", at_most=0.99
            ),
        },
        beside={
            "most_relu": Rule(
                "ReLU's gradient in the frontier, biases that begin at -0.5, mean over its six "
                "penalties: the share",
                at_least=0.8,
                at_most=0.99,
            ),
            "most_ste": Rule(
                "the STE gradient in the frontier, likewise: the share",
                at_least=0.8,
                at_most=0.99,
            ),
        },
        changes=(PILOT, FOUR, SPELLED),
        scope="toy",
        setting=SHORT,
    ),
    Claim(
        id="IV-18",
        origin="source",
        source="Wright and Sharkey 2024; Rajamanoharan et al. 2024a and b; Gao et al. 2024",
        statement=("ReLU with L1 shrinks what it reconstructs; Gated, JumpReLU and TopK do not."),
        rules={
            "relu": Rule("relative length of outputs, ReLU with L1", at_most=0.95),
            "gated": Rule("relative length of outputs, Gated", at_least=0.97, at_most=1.03),
            "jumprelu": Rule("relative length of outputs, JumpReLU", at_least=0.97, at_most=1.03),
            "topk": Rule("relative length of outputs, TopK", at_least=0.97, at_most=1.03),
        },
        beside={
            "prolu": Rule(
                "relative length of outputs, ProLU with ReLU's gradient",
                at_least=0.97,
                at_most=1.03,
            ),
            "prolu_ste": Rule(
                "relative length of outputs, ProLU with the STE gradient",
                at_least=0.97,
                at_most=1.03,
            ),
            "scsae": Rule("relative length of outputs, SCSAE", at_least=0.97, at_most=1.03),
            "relu_sqrt": Rule(
                "relative length of outputs, ReLU with sqrt(L1)", at_least=0.97, at_most=1.03
            ),
            "batch_topk": Rule(
                "relative length of outputs, BatchTopK", at_least=0.97, at_most=1.03
            ),
        },
        changes=(PILOT, SPELLED),
        scope="toy",
        setting=MATCHED,
    ),
    Claim(
        id="IV-21",
        origin="ours",
        source="ours; the draft assumes orthogonal features",
        statement=(
            "Where active features are not orthogonal the gate keeps its advantage: at no overlap "
            "up to 0.5 has ProLU more error than ReLU with L1."
        ),
        rules={
            "worst": Rule(
                "ProLU's least error with at most 3.2 latents on, over that of ReLU with L1, "
                "largest over overlaps 0, 0.25 and 0.5",
                at_most=1.0,
            ),
        },
        beside={
            "rise_prolu": Rule("ProLU's error at overlap 0.5 over that at 0", at_most=2.0),
            "rise_relu": Rule("ReLU with L1's error at overlap 0.5 over that at 0", at_most=2.0),
            "rise_topk": Rule("TopK's error at overlap 0.5 over that at 0", at_most=2.0),
        },
        changes=(SPELLED,),
        scope="toy",
        setting=(
            "32 features in 32 dimensions, in pairs of cosine 0 to 0.5 and correlation 0.7, all "
            "else orthogonal; density 0.08, noise of at most 0.1 a coordinate; 32 latents, 3,000 "
            "steps of 128 inputs, the frontier's tuning; four penalties, 5 seeds; the least error "
            "over penalties with an L0 of at most 1.25 times the true number"
        ),
    ),
)
