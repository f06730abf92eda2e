"""The claim on which parts I and IV meet."""

from steering_core.publishing.claims import Claim, Rule, repeated

RULES = {
    "tells": Rule(
        "AUROC of the mean-centred vector less that of the best latent, mean over four genres and "
        "the autoencoders' seeds",
        at_least=0.0,
    ),
    "steers": Rule(
        "target stems a completion: gain of the mean-centred vector less that of the best of four "
        "latents, each at its own best coefficient, mean over the autoencoders' seeds",
        at_least=0.0,
    ),
}

CLAIMS = (
    Claim(
        id="IV-20",
        origin="ours",
        source="this book",
        statement=(
            "A mean-centred vector tells a genre, and steers towards it, at least as well as the "
            "best single latent of an autoencoder."
        ),
        rules=RULES,
        again=repeated(RULES, suffix="second", subject="second pretrained seed"),
        beside={
            "over_chance": Rule(
                "AUROC of the best latent less that of the best of as many random directions",
                at_least=0.0,
            ),
            "eight_tell": Rule(
                "AUROC of the mean-centred vector less that of eight latents together",
                at_least=0.0,
            ),
            "isolated_tells": Rule(
                "AUROC of the isolated vector less that of the best latent", at_least=0.0
            ),
            "isolated_steers": Rule(
                "gain of the isolated vector less that of the best of four latents", at_least=0.0
            ),
            "detector_steers": Rule(
                "gain of the mean-centred vector less that of the latent that tells best",
                at_least=0.0,
            ),
            "eight_steer": Rule(
                "gain of the mean-centred vector less that of eight latents together", at_least=0.0
            ),
        },
        scope="shipped LM",
        setting=(
            "the input of block 3 of 6; TopK autoencoders with k = 16, 512 latents, 3 seeds; "
            "fantasy, sci-fi, sports and Shakespeare; everything chosen or averaged on even "
            "texts. Telling: odd texts of the genre against those of the seven other sets, by a "
            "text's mean over tokens; 99% bootstrap intervals over texts. Steering: at every "
            "token; for each genre the coefficient (0.5 to 16 times the norm of the centred "
            "vector) of the largest gain whose perplexity is at most 2 times and whose distinct-2 "
            "is at least 0.8 times the unsteered, out of ten prompts a pair of genres; the latent "
            "is the best of the four that tell best; reported on 40 other prompts a pair; 99% "
            "bootstrap intervals over prompts, each with its three targets"
        ),
    ),
)
