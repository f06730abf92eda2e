"""The claims of part I on what steering with a mean-centred vector does.

A gain is counted in target stems a completion, steered less unsteered, the two drawn with the same
random numbers. Claims on the shipped models are decided by both, each pretrained from its own seed;
I-12 was measured on one alone, and I-18 is about published numbers.
"""

from steering_core.publishing.claims import Claim, Rule, second_model

JORGENSEN = "Jorgensen 2023"
EXAMPLES = f"{JORGENSEN}, Steering with Mean-Centred Vectors"

CHOICE = (
    "layer, coefficient (0.5, 1, 2, 4, 8, 16, 32) and position chosen on ten prompts of every "
    "ordered pair of genres, out of the even texts: the largest gain of all whose perplexity is at "
    "most 2 times and whose distinct-2 is at least 0.8 times the unsteered; reported on the odd "
    "texts, 50 of each pair (100 for a vector at the first token). Where: every layer and position "
    "for the centred and the uncentred vector on the first model; layers 1 to 4 on the second; "
    "layers 1 to 4, at the first token or at every one, for all others"
)
SETTING = (
    "the shipped model; fantasy, sci-fi, sports and Shakespeare; means over every token but the "
    "first of 200 texts a genre, m over passages of the training text; prompts the first ten words "
    "of texts of each other genre, behind the token that begins a text; 40 new tokens at "
    f"temperature 0.8; {CHOICE}; perplexity under the unsteered model, in each prompt over that of "
    "its unsteered completion; 99% bootstrap intervals over prompts, each with its three targets"
)
FIRST = f"position: the first token; {SETTING}"
SECOND_SEEN = (
    "2026-11-22: the second pretrained model decides too, as for every claim on a language model, "
    "so that no verdict hangs on one seed. Its results had stood beside the claim and were known. "
    "The thresholds stayed."
)
GRID = (
    "2026-11-29: the setting says where vectors were tried; that the second model and the other "
    "kinds had fewer places, for want of time, was fixed before their results and not said here. "
    "Intervals draw a prompt with all its targets, where each had counted by itself. No verdict "
    "changed."
)


def works(target: str) -> dict[str, Rule]:
    """Steering works: more of the target, at a bounded cost."""
    return {
        "gain": Rule(f"{target} stems a completion, steered less unsteered", at_least=0.0),
        "perplexity": Rule("perplexity, steered over unsteered", at_most=2.0),
        "distinct": Rule("distinct-2, steered over unsteered", at_least=0.8),
    }


def does_nothing(target: str) -> dict[str, Rule]:
    """What would be true instead."""
    return {"gain": Rule(f"{target} stems a completion, steered less unsteered", at_most=0.0)}


FEWER_SPORTS = {
    "source_falls": Rule("sports stems a completion, steered less unsteered", at_most=0.0)
}
PAIR = {
    "mean_in_love": Rule(
        "cosine of the mean of loving texts with m, mean over the outputs of the blocks",
        at_least=0.5,
    ),
    "mean_in_pair": Rule(
        "cosine of (loving - hateful) with m, mean over the outputs of the blocks",
        at_least=-0.1,
        at_most=0.1,
    ),
    "component": Rule(
        "gain of the component of the uncentred means along m, over the gain of the centred ones, "
        "both at the setting of the centred",
        at_least=-0.1,
        at_most=0.1,
    ),
}
NO_MEAN_IN_LOVE = {"mean_in_love": Rule("cosine of the mean of loving texts with m", at_most=0.1)}
CENTRED_BEATS = {
    "own_best": Rule(
        "gain of the centred less that of the uncentred vectors, each at its own best setting",
        at_least=0.0,
    )
}
UNCENTRED_BEATS = {
    "own_best": Rule(
        "gain of the centred less that of the uncentred vectors, each at its own best", at_most=0.0
    )
}
RANKS = {
    "among_random": Rule("rank of its gain among 99 random directions of its norm", at_most=1.0),
    "among_shuffled": Rule(
        "rank of its gain among 99 vectors of its norm from genres with shuffled labels",
        at_most=1.0,
    ),
}
WRONG_WAY = {
    "ratio": Rule(
        "share of prompts with fewer target stems than unsteered, steered and drawn with other "
        "random numbers, over the same share in an unsteered draw with these numbers",
        at_most=0.5,
    )
}
EVERY_BEST = {
    "over_first": Rule("gain at every token less gain at the first alone", at_least=0.0),
}
PAIRED_COST = {
    "nats": Rule(
        "surprise under the unsteered model at matched gain, paired (target - source) less "
        "uncentred, in nats a token",
        at_most=0.0,
    )
}
PAIRED_DEARER = {"nats": Rule("the same difference of surprise", at_least=0.0)}
OTHERS = ("one_pair", "principal", "logistic", "whitened")
NO_OTHER = {
    other: Rule(
        f"gain of {other.replace('_', ' ')} less that of the centred vector, each at its own best "
        "setting",
        at_most=0.1,
    )
    for other in OTHERS
}

CLAIMS = (
    Claim(
        id="I-6",
        origin="source",
        source=EXAMPLES,
        statement="A mean-centred vector steers: Shakespeare, added to the first token.",
        rules=works("Shakespeare"),
        again=second_model(works("Shakespeare")),
        refuted_by=does_nothing("Shakespeare") | second_model(does_nothing("Shakespeare")),
        changes=(SECOND_SEEN, GRID),
        scope="shipped LM",
        setting=FIRST,
    ),
    Claim(
        id="I-7",
        origin="source",
        source=EXAMPLES,
        statement="An isolated feature steers: sci-fi less stories, added to the first token.",
        rules=works("sci-fi"),
        again=second_model(works("sci-fi")),
        refuted_by=does_nothing("sci-fi") | second_model(does_nothing("sci-fi")),
        changes=(SECOND_SEEN, GRID),
        scope="shipped LM",
        setting=FIRST,
    ),
    Claim(
        id="I-8",
        origin="source",
        source=EXAMPLES,
        statement="A pair adds one feature and removes another: fantasy less sports, first token.",
        rules=works("fantasy") | FEWER_SPORTS,
        again=second_model(works("fantasy") | FEWER_SPORTS),
        refuted_by=does_nothing("fantasy") | second_model(does_nothing("fantasy")),
        changes=(SECOND_SEEN, GRID),
        scope="shipped LM",
        setting=f"prompts of sports, whose mean is over the other half of its texts; {FIRST}",
    ),
    Claim(
        id="I-9",
        origin="source",
        source=f"{JORGENSEN}, Counterbalanced Subtractions",
        statement=(
            "A counterbalanced pair removes the mean, which steers nowhere, and adds a second "
            "feature."
        ),
        rules=PAIR,
        again=second_model(PAIR),
        refuted_by=NO_MEAN_IN_LOVE | second_model(NO_MEAN_IN_LOVE),
        beside={
            "opposite": Rule(
                "cosine of (loving - m) with (hateful - m), mean over the outputs of the blocks: "
                "are love and hate the two ends of one direction?",
                at_most=-0.8,
            ),
        },
        changes=(SECOND_SEEN, GRID),
        scope="shipped LM",
        setting=(
            "100 loving and 100 hateful texts, the pairs on one subject drawn together in the "
            f"bootstrap; {SETTING}"
        ),
    ),
    Claim(
        id="I-11",
        origin="source",
        source="Jorgensen et al. 2023, sec. 4",
        statement="Centred vectors steer better than uncentred ones.",
        rules=CENTRED_BEATS,
        again=second_model(CENTRED_BEATS),
        refuted_by=UNCENTRED_BEATS | second_model(UNCENTRED_BEATS),
        beside={
            "equal_coefficient": Rule(
                "gain of the centred less that of the uncentred vectors at the same layer, "
                "position and coefficient",
                at_least=0.0,
            ),
            "equal_norm": Rule(
                "gain of the centred less that of the uncentred vectors at the same layer, "
                "position and norm",
                at_least=0.0,
            ),
            "matched_by_position": Rule(
                "gain of vectors centred on m matched position by position less that of the "
                "uncentred ones, each at its own best setting",
                at_least=0.0,
            ),
            "cheaper": Rule(
                "surprise of the centred less that of the uncentred vectors at matched gain, in "
                "nats a token",
                at_most=0.0,
            ),
        },
        changes=(
            "2026-11-21: vectors centred on m matched by position were added beside, before any "
            "result of this claim and after I-4's. They do not decide.",
            SECOND_SEEN,
            GRID,
        ),
        scope="shipped LM",
        setting=SETTING,
    ),
    Claim(
        id="I-12",
        origin="ours",
        source="ours",
        statement=(
            "No random or label-shuffled direction of that norm does it: the centred vector ranks "
            "first."
        ),
        rules=RANKS,
        one_model=(
            "198 vectors on 108 prompts each were left out on the second model for want of time"
        ),
        changes=(
            "2026-11-21: before its first result, the ranks on the second model were left out for "
            "want of time, and the prompts became 108.",
            "2026-11-22: measured on one pretrained model alone, the claim is inconclusive at "
            "most, as is every claim on a language model that no second seed has met. The "
            "thresholds stayed; the result on the first was known.",
            "2026-11-28: the statement said that nothing else of that norm does it; only random "
            "and label-shuffled directions were tried. Nothing measured changed.",
        ),
        scope="shipped LM",
        setting=(
            "108 prompts, 27 towards each of the four genres; the layer, coefficient and position "
            f"of the centred vectors; {SETTING}"
        ),
    ),
    Claim(
        id="I-14",
        origin="ours",
        source="ours; after Tan et al. 2024",
        statement=(
            "Steering seldom moves a prompt the wrong way: at most half as often as a second "
            "unsteered draw."
        ),
        rules=WRONG_WAY,
        again=second_model(WRONG_WAY),
        beside={
            "same_numbers": Rule(
                "the same share where steered and unsteered are drawn with the same numbers, over "
                "that of the second unsteered draw",
                at_most=0.5,
            ),
            "no_gain": Rule(
                "share of prompts whose steered completion has no more target stems than the "
                "unsteered one",
                at_most=0.5,
            ),
        },
        changes=(
            "2026-11-21: before any result, the steered completions that decide were given other "
            "random numbers than the unsteered ones, as the second draw has; with the same numbers "
            "completions are alike for that reason alone. A fresh reader saw it.",
            SECOND_SEEN,
            GRID,
        ),
        scope="shipped LM",
        setting=f"centred vectors at their best; {SETTING}",
    ),
    Claim(
        id="I-15",
        origin="ours",
        source="ours",
        statement="At a bounded cost, every token is the place to add the vector, not the first.",
        rules=EVERY_BEST,
        again=second_model(EVERY_BEST),
        beside={
            "over_last_prompt": Rule(
                "gain at every token less gain at the last token of the prompt", at_least=0.0
            ),
            "over_generated": Rule(
                "gain at every token less gain at generated tokens", at_least=0.0
            ),
        },
        changes=(SECOND_SEEN, GRID),
        scope="shipped LM",
        setting=f"centred vectors, the best layer and coefficient of each position; {SETTING}",
    ),
    Claim(
        id="I-16",
        origin="source",
        source="Turner et al. 2023, quoted in Jorgensen 2023",
        statement="Capabilities are better preserved by paired, counterbalanced additions.",
        rules=PAIRED_COST,
        again=second_model(PAIRED_COST),
        refuted_by=PAIRED_DEARER | second_model(PAIRED_DEARER),
        beside={
            "nats_centred": Rule(
                "the same, centred (target - m) less uncentred, in nats a token", at_most=0.0
            ),
            "nats_isolated": Rule(
                "the same, isolated (target - stories) less uncentred, in nats a token",
                at_most=0.0,
            ),
            "distinct": Rule("distinct-2 at matched gain, paired less uncentred", at_least=0.0),
            "matched": Rule(
                "how well gains match: paired less uncentred, in stems", at_least=-0.2, at_most=0.2
            ),
        },
        changes=(
            "2026-11-21: after the first result, how well gains match became a difference: a ratio "
            "over a gain that may be zero has no interval. It does not decide.",
            SECOND_SEEN,
            GRID,
        ),
        scope="shipped LM",
        setting=(
            "each kind at its own best layer and position; the coefficient by interpolation such "
            "that the gain on the even texts is 0.8 of the least of the kinds' best gains; "
            f"{SETTING}"
        ),
    ),
    Claim(
        id="I-17",
        origin="ours",
        source="ours; against Turner et al. 2023, Zou et al. 2023 and others",
        statement="No other usual way to make a vector from a genre's texts steers better.",
        rules=NO_OTHER,
        again=second_model(NO_OTHER),
        beside={
            "prompting_line": Rule(
                "gain of a line that names the genre, put before the prompt, less that of the "
                "centred vector",
                at_most=0.1,
            ),
            "prompting_story": Rule(
                "gain of a text of the genre, put before the prompt, less that of the centred "
                "vector",
                at_most=0.1,
            ),
        },
        changes=(
            "2026-11-22: the second pretrained model decides too, as for every claim on a language "
            "model, so that no verdict hangs on one seed. The other ways had not been tried on it; "
            "they were then, at every token alone, where the first model had the best of each. The "
            "thresholds stayed.",
            "2026-11-28: the statement said that all are made from the same texts; the principal, "
            "logistic and whitened directions need neutral texts too, and one pair a text of the "
            "source. Nothing measured changed.",
        ),
        scope="shipped LM",
        setting=(
            "every vector scaled to the norm of the centred one; on the second model the other "
            f"ways at every token alone; {SETTING}"
        ),
    ),
    Claim(
        id="I-18",
        origin="ours",
        source="data of Jorgensen et al. 2023, recomputed",
        statement=(
            "Centring helps function vectors in GPT-J at layer 15, and hurts in Llama-2 7B at "
            "layer 12."
        ),
        rules={
            "gpt_j": Rule("GPT-J, layer 15: accuracy centred less uncentred", at_least=0.0),
            "llama": Rule("Llama-2 7B, layer 12: accuracy centred less uncentred", at_most=0.0),
        },
        beside={
            "anisotropy": Rule(
                "correlation over GPT-J layers 8 to 18 of the gain from centring with the mean "
                "cosine; the paper supposes a positive one",
                at_least=0.0,
            ),
            "anisotropy_at_depth": Rule(
                "the same, both with their linear trend over layers taken away", at_least=0.0
            ),
        },
        scope="published data",
        setting=(
            "six tasks, five seeds each, zero-shot top-1 accuracy; 99% bootstrap intervals over "
            "tasks, and over seeds within them"
        ),
    ),
)
