"""The claims of part III on the asymmetric motif."""

from steering_core.publishing.claims import Claim, Rule

SECTION = "Elhage et al. 2022, The Asymmetric Superposition Motif"

SETTING = (
    "n=20, m=10, importance 0.8^i, trained from random weights by our recipe, 256 seeds a density; "
    "of densities 1, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01 the one with the most instances a model "
    "on the first 128 seeds; reported on the last 128; instances as `find_motifs` defines them; "
    "99% bootstrap intervals over models"
)

LIMITED = SETTING.replace(
    "the one with the most instances a model", "the one whose instances a model are nearest to two"
)
PERMUTED = (
    "2026-11-21: that permuted models need not compute their features to count, which makes the "
    "rule harder, was added after a pilot on 64 other seeds in which none of them did."
)
NOT_THE_WEAK = (
    "2026-11-21: before the study, instances whose inhibitor is about the weak feature itself were "
    "ruled out; a test had found that the detector let them pass."
)
NEAREST_TWO = (
    "2026-11-21: before its first result, the density was changed from the one with the most "
    "instances to the one nearest to two: the source speaks of a model with two, in little "
    "superposition, and a pilot on 64 other seeds found more than twenty a model where they are "
    "most frequent. The measure at that density stands beside it."
)

CLAIMS = (
    Claim(
        id="III-9",
        origin="source",
        source=SECTION,
        statement="Asymmetric superposition with inhibition exists, twice in one model.",
        rules={
            "excess": Rule(
                "instances a model, less those in the same model with the weights of each neuron "
                "permuted but for its main feature; permuted models need not compute to count",
                at_least=0.02,
            ),
            "twice": Rule("models with at least two instances", at_least=1.0),
        },
        beside={
            "excess_over_all": Rule(
                "the same, less those with all weights of each neuron permuted", at_least=0.02
            ),
            "any": Rule("share of models with an instance", at_least=0.05),
        },
        changes=(
            PERMUTED,
            NOT_THE_WEAK,
            "2026-11-29: said here that the plan asked for 256 models; 256 are trained, of which "
            "the first half chooses the density and the second half decides.",
        ),
        scope="toy",
        setting=SETTING,
    ),
    Claim(
        id="III-10",
        origin="source",
        source=SECTION,
        statement="The inhibition turns positive interference into negative interference.",
        rules={
            "negative": Rule(
                "share of instances in which the strong feature alone leaves the weak one's "
                "pre-activation at or below zero",
                at_least=0.8,
            ),
            "positive_when_cut": Rule(
                "share of instances in which it is above zero once the inhibitor no longer hears "
                "the strong feature",
                at_least=0.8,
            ),
            "costs": Rule(
                "share of instances in which that cut raises the weak feature's error on inputs "
                "of the model's density",
                at_least=0.8,
            ),
        },
        beside={
            "causal": Rule("share of instances that pass all three, alone inputs", at_least=0.8),
            "causal_nearest_two": Rule(
                "the same at the density whose instances a model are nearest to two", at_least=0.8
            ),
        },
        changes=(
            "2026-11-21: after the pilot, in which the share was lower at density 0.2, the last "
            "measure was added beside. It does not decide.",
            "2026-11-29: said here that, unlike III-12 and III-16, this was not moved to the "
            "density nearest to two, where it fails.",
        ),
        scope="toy",
        setting=f"{SETTING}; at the density nearest to two, the first 64 of these",
    ),
    Claim(
        id="III-11",
        origin="source",
        source=SECTION,
        statement="One feature interferes heavily with the other, the other hardly with it.",
        rules={
            "ratio": Rule(
                "what the strong feature writes on the weak one through the neuron over what the "
                "weak one writes on the strong, median over instances",
                at_least=4.0,
            ),
        },
        scope="toy",
        setting=SETTING,
    ),
    Claim(
        id="III-12",
        origin="source",
        source=SECTION,
        statement=(
            "Most weights implement plain absolute values or single sides; the motif is the main "
            "other thing."
        ),
        rules={
            "plain_norm": Rule(
                "share of the squared weights (rescaled) in pairs and single sides", at_least=0.5
            ),
            "plain_loss": Rule(
                "share of pairs and single sides in what cutting the four parts costs, each by "
                "itself",
                at_least=0.5,
            ),
            "motif_over_rest_norm": Rule(
                "share of the squared weights in motifs less that in the rest", at_least=0.0
            ),
            "motif_over_rest_loss": Rule(
                "share of motifs in what cutting costs less that of the rest", at_least=0.0
            ),
        },
        refuted_by={
            "plain_norm": Rule(
                "share of the squared weights (rescaled) in pairs and single sides", at_most=0.5
            ),
            "plain_loss": Rule("their share in what cutting costs", at_most=0.5),
        },
        beside={
            "plain_norm_at_most": Rule(
                "the first share where instances are most frequent", at_least=0.5
            ),
        },
        changes=(
            NEAREST_TWO,
            "2026-11-21: to be refuted it takes both shares of plain weights, and no longer the "
            "first alone: a rehearsal with four models a density showed that squared weights are "
            "mostly the large outputs of inhibitors.",
        ),
        scope="toy",
        setting=f"models with an instance; {LIMITED}",
    ),
    Claim(
        id="III-14",
        origin="ours",
        source="ours; controls after Bhagat et al. 2026",
        statement=(
            "The motif belongs to computing: it is at most half as frequent in networks of the "
            "same size that only store."
        ),
        rules={
            "storage": Rule(
                "instances a model with x in [0, 1] as input and label, over those of the "
                "absolute-value models",
                at_most=0.5,
            ),
            "bottleneck": Rule(
                "the same with a linear hidden layer, an untied bottleneck", at_most=0.5
            ),
        },
        beside={
            "mixed": Rule(
                "instances a model with mixed labels over those with clean ones",
                at_least=0.5,
                at_most=2.0,
            ),
        },
        scope="toy",
        setting=(
            f"{SETTING.replace('; reported on the last 128', '')}; all 256 models of it over all "
            "256 of each control at the same density"
        ),
    ),
    Claim(
        id="III-15",
        origin="source",
        source=SECTION,
        statement="The inhibitor's main feature is forced to inhibit the weak feature as well.",
        rules={
            "lowers": Rule(
                "share of instances in which the main feature alone lowers the weak feature's "
                "pre-activation",
                at_least=0.8,
            ),
        },
        beside={
            "size": Rule(
                "by how much it lowers it, median over instances, where the weak feature alone "
                "raises it by about 1",
                at_least=1.0,
            ),
        },
        scope="toy",
        setting=SETTING,
    ),
    Claim(
        id="III-16",
        origin="source",
        source=SECTION,
        statement="What is left of the weights acts as small conditional biases.",
        rules={
            "constant": Rule(
                "R^2 of the rest's effect on the outputs explained by constants that are there "
                "when a neuron's largest feature is active, median over models",
                at_least=0.8,
            ),
        },
        beside={
            "of_ceiling": Rule(
                "the same R^2 over what an effect in proportion to one feature can give at most",
                at_least=0.8,
            ),
            "constant_at_most": Rule(
                "the same R^2 where instances are most frequent", at_least=0.8
            ),
        },
        changes=(
            NEAREST_TWO,
            "2026-11-21: while the study ran, a test showed that no network without hidden biases "
            "can meet the rule: what a neuron writes grows with its input. The rule stays. The "
            "share of the ceiling was added beside, and a rule of refutation (R^2 at most 0.5) was "
            "withdrawn, as so low a ceiling makes it say too much.",
        ),
        scope="toy",
        setting=f"models with an instance; {LIMITED}",
    ),
)
