"""This package beside the libraries that do the same: `make bench-peers`.

What is compared
    Training sparse autoencoders, with SAELens and dictionary_learning: ReLU with L1, and TopK; one,
    and eight that differ by seed; at the size of the book's frontier, and one at a size that keeps
    the processor busy. Architecture, width, latents, batches (the same rows in the same order),
    steps, float32, Adam and its constant rate are equal, and so is the kind of beginning: decoder
    rows of random directions and norm 1, encoders their transposes. Eight are trained by
    `train_autoencoders` in lock-step, by SAELens's `MultiSAETrainer`, and in the loop of
    dictionary_learning's `trainSAE`. The loss that all minimise is measured on inputs held out, by
    the same lines of code, and has to be alike: the same thing was done. One thing is not the same:
    both peers clip gradients, and from this beginning ReLU with L1 comes further by that. So a
    plain loop does it both ways, and each is held beside the one that does as it does.
    Means of the residual stream, with TransformerLens: a cache for each batch. The
    means must agree.
    Steering, with steering-vectors: the vector from paired texts (the same statistic, and it must
    agree), and sampled continuations with a vector added at every token.
    Files of `save_for_saelens`, read by SAELens: latents and outputs must agree.

How
    Each program runs in an environment of its own, where SAELens has the TransformerLens and
    steering-vectors the transformers that it asks for, and all have the same torch. They take
    turns, so that a slow spell of the machine meets all; each has the same number of threads, which
    wait as torch has it. What counts is the median of its seconds. A turn is all of it, from making
    the trainer on; loading libraries, models and files is not in it, nor is a first turn that is
    thrown away.

What is not equal
    The notes of each row say what the other does more and less. Two things hold throughout: the
    peers' code is made for GPUs and large autoencoders, ours for many small ones on a processor,
    which is what is measured here; and the activations lie in memory, so nothing is said of the
    peers' stores of activations, which ours has no counterpart of.

`compare.py --trial` does a little of everything in one thread, to see that it runs; its numbers
count for nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from steering_core.language_model import load_texts
from steering_core.language_model.load import SHIPPED
from steering_core.publishing.files import write_atomically
from steering_core.sparse_autoencoders import ground_truth

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TABLE = ROOT / "book" / "_data" / "peers.csv"
THREADS = 2
OURS = "ours"
PROGRAMS = {
    OURS: (Path(sys.executable), "ours.py"),
    "transformer_lens": (Path(sys.executable), "with_transformer_lens.py"),
    **{
        name: (ROOT / "_build" / "peers" / name / "bin" / "python", f"with_{name}.py")
        for name in ("saelens", "dictionary_learning", "steering_vectors")
    },
}

SIZES: dict[str, dict[str, Any]] = {
    "small": {"n_latents": 256, "batch_size": 128},
    "large": {"n_latents": 2048, "batch_size": 512},
}
FEATURES = {"small": (400, 64), "large": (1600, 256)}  # of the ground truth, and dimensions
LEVELS = {"relu": {"small": 2.0, "large": 2.0}, "topk": {"small": 4.0, "large": 16.0}}
STEPS = {("small", 1): 1500, ("small", 8): 400, ("large", 1): 60}
TEXTS, WORDS, PROMPTS, NEW_TOKENS, LAYER = 200, 100, 64, 40, 2
FEW = 16  # texts in a trial

ALIKE = 0.1
"""By what share held-out losses may differ where the same was done."""
AGREE = 1e-3
"""How far means of the same activations may be apart: float32 sums in another order."""
READ = 1e-5
"""The same for what SAELens makes of our files, over the largest output."""

SAELENS_MORE = (
    "SAELens also clips gradients, counts how often latents fire, and writes a progress bar; "
    "it has no check of its inputs, which ours has"
)
DICTIONARY_MORE = "dictionary_learning also clips gradients, and checks and records nothing"
TOPK_MORE = {
    "saelens": "; its TopK weighs latents by the norms of decoder rows, ours keeps these at 1",
    "dictionary_learning": "; its TopK begins at the geometric median, projects gradients, and "
    "follows a threshold; what latents have fired it counts as ours does",
}


@dataclass(frozen=True)
class Row:
    """One comparison, as the page shows it."""

    what: str
    beside: str
    ratio: str
    ours_per_second: str
    theirs_per_second: str
    unit: str
    our_call: str
    their_call: str
    note: str


class Program:
    """One that has been started and answers orders."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, task: str, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"task": task, **order}), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args} ended before it had answered; see above")
        return json.loads(answer)


@contextmanager
def started(name: str, folder: Path, threads: int) -> Iterator[Program]:
    """A program in its own environment, whose threads wait as torch has it."""
    python, script = PROGRAMS[name]
    if not python.exists():
        raise SystemExit(f"{python} is not there: `make bench-peers` makes it")
    usual = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    own = {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "WANDB_MODE": "disabled",
    }
    process = subprocess.Popen(
        [str(python), str(HERE / script), str(folder)],
        env=usual | own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Program(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # which ends it
        process.wait()


Sides = dict[str, tuple[Program, dict[str, Any]]]


def in_turns(sides: Sides, warm_up: dict[str, Any], turns: int) -> dict[str, dict[str, Any]]:
    """The last answer of each side, with the median of its seconds; who is first goes round."""
    for program, order in sides.values():
        program(**{**order, **warm_up})
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    names = list(sides)
    for _ in range(turns):
        for name in names:
            program, order = sides[name]
            answers[name].append(program(**order))
        names = [*names[1:], names[0]]
    return {
        name: {**each[-1], "seconds": statistics.median(one["seconds"] for one in each)}
        for name, each in answers.items()
    }


class Comparison:
    """The programs, how long a turn is, and the rows that were measured."""

    def __init__(self, programs: dict[str, Program], threads: int, turns: int, trial: bool) -> None:
        self.programs, self.threads, self.turns, self.trial = programs, threads, turns, trial
        self.versions = {name: program("version")["version"] for name, program in programs.items()}
        self.rows: list[Row] = []
        self.doubts: list[str] = []

    def sides(self, *peers: str, **order: Any) -> Sides:
        return {name: (self.programs[name], order) for name in (OURS, *peers)}

    def add(
        self,
        what: str,
        ours: str,
        peer: tuple[str, str],
        unit: str,
        amount: float,
        found: dict[str, dict[str, Any]],
        note: str,
    ) -> None:
        """A row: `amount` of `unit` was done in the seconds that were found."""
        name, words = peer
        mine, its = (amount / found[side]["seconds"] for side in (OURS, name))
        said = f"{note}. Threads: {self.threads}; turns: {self.turns}"
        row = Row(
            what=what,
            beside=self.versions[name],
            ratio=f"{mine / its:.2f}",
            ours_per_second=f"{mine:,.0f}",
            theirs_per_second=f"{its:,.0f}",
            unit=f"{unit} a second",
            our_call=ours,
            their_call=words,
            note=f"TRIAL, too short to count. {said}" if self.trial else said,
        )
        self.rows.append(row)
        print(f"{row.ratio:>7} times {row.beside}: {what}")

    def training(self, architecture: str, size: str, count: int) -> None:
        """Both peers, one row each."""
        level, steps = LEVELS[architecture][size], STEPS[size, count]
        steps = max(20, steps // 20) if self.trial else steps
        order = {"architecture": architecture, "size": size, "count": count, "level": level}
        sides = self.sides(
            "saelens", "dictionary_learning", task="train", steps=steps, **order, **SIZES[size]
        )
        found = in_turns(sides, {"steps": max(10, steps // 10)}, self.turns)
        width, latents, batch = (
            FEATURES[size][1],
            SIZES[size]["n_latents"],
            SIZES[size]["batch_size"],
        )
        of = {"relu": "ReLU, L1", "topk": f"TopK, k = {level:.0f}"}[architecture]
        what = f"Training {count}: {of}; {width} to {latents}, batches of {batch}, {steps} steps"
        multi = count > 1
        peers = {
            "saelens": ("MultiSAETrainer" if multi else "SAETrainer", SAELENS_MORE),
            "dictionary_learning": ("trainers' update", DICTIONARY_MORE),
        }
        ours = found[OURS]["loss"]
        plain, clipped = ours, ours  # of TopK the clipping changes little
        if architecture == "relu":
            same = {"size": size, "steps": steps, "level": level, **SIZES[size]}
            plain, clipped = (
                self.programs[OURS]("plain_relu", **same, clip=clip)["loss"]
                for clip in (False, True)
            )
            self.check(f"{what}: ours beside a plain loop", abs(ours / plain - 1), ALIKE)
        for name, (words, more) in peers.items():
            theirs = found[name]["loss"]
            note = f"Held-out loss {ours:.4g} ours, {theirs:.4g} theirs. {more}"
            if architecture == "topk":
                note += TOPK_MORE[name]
            else:
                note += (
                    f". In a plain loop clipping takes the loss from {plain:.4g} to {clipped:.4g}"
                )
            amount = count * steps * batch
            self.add(
                what, "train_autoencoders", (name, words), "autoencoder inputs", amount, found, note
            )
            self.check(what, abs(theirs / clipped - 1), ALIKE)

    def means(self) -> None:
        """TransformerLens's cache, of what is needed and of everything."""
        for everything in (False, True):
            kept = "of everything, its default" if everything else "of the residual stream alone"
            sides = self.sides(task="means")
            peer = (self.programs["transformer_lens"], {"task": "means", "everything": everything})
            found = in_turns({**sides, "transformer_lens": peer}, {}, self.turns)
            what = f"Means of the residual stream of every layer; a cache {kept}"
            note = (
                "Same batches; TransformerLens computes attention step by step, so that every "
                "step can be hooked, and logits too; ours gives the embeddings' mean too"
            )
            tokens = found[OURS]["tokens"]
            self.add(
                what,
                "residual_mean",
                ("transformer_lens", "run_with_cache"),
                "tokens",
                tokens,
                found,
                note,
            )
            self.check(what, apart(found, "transformer_lens"), AGREE)

    def steering(self) -> None:
        """The vector, and continuations with it."""
        found = in_turns(self.sides("steering_vectors", task="vector"), {}, self.turns)
        what = "Steering vector from paired texts: mean difference at the last token, every layer"
        self.add(
            what,
            "visit_residuals",
            ("steering_vectors", "train_steering_vector"),
            "texts",
            2 * (FEW if self.trial else TEXTS),
            found,
            "Batches of 32 pairs for steering-vectors, whose default is 1, and of 8,192 tokens "
            "sorted by length for ours; steering-vectors computes logits too and copies the "
            "activations of all tokens",
        )
        self.check(what, apart(found, "steering_vectors"), AGREE)
        prompts = FEW if self.trial else PROMPTS
        order = {"task": "write", "new_tokens": 4 if self.trial else NEW_TOKENS, "layer": LAYER}
        plain, steered = (
            in_turns(self.sides("steering_vectors", **order, steered=on), {}, self.turns)
            for on in (False, True)
        )
        cost = {name: steered[name]["seconds"] / plain[name]["seconds"] - 1 for name in plain}
        self.add(
            f"Continuing {prompts} prompts, a vector added at every token",
            "generate in steer",
            ("steering_vectors", "transformers' generate in SteeringVector.apply"),
            "tokens",
            prompts * order["new_tokens"],
            steered,
            f"Over the same unsteered, steering took {cost[OURS]:+.1%} ours and "
            f"{cost['steering_vectors']:+.1%} theirs; the rest is the two ways to sample, ours "
            "without transformers' warpers and stopping criteria, and another version of "
            "transformers. steering-vectors adds to padding too; ours works out what is padding "
            "at every call",
        )

    def files(self) -> None:
        """SAELens reads what we write for it."""
        wrote = self.programs[OURS]("export", steps=60 if self.trial else 300)
        found = self.programs["saelens"]("read")
        if sorted(found) != sorted(wrote["architectures"]):
            raise SystemExit(f"SAELens read {sorted(found)} of {sorted(wrote['architectures'])}")
        for name, one in found.items():
            for part in ("latents", "outputs"):
                self.check(f"{name} as {one['class']}: {part}", one[part] / one["largest"], READ)
        print(
            "SAELens reads", ", ".join(f"{name} as {one['class']}" for name, one in found.items())
        )

    def check(self, what: str, distance: float, allowed: float) -> None:
        """Whether the same was done; if not, that is said now, and once more at the end."""
        if not distance <= allowed:
            self.doubts.append(f"{what}: {distance:.2g} apart, {allowed:g} is allowed")
            print(self.doubts[-1])


def apart(found: dict[str, dict[str, Any]], peer: str) -> float:
    """The largest difference between what both found."""
    ours, theirs = (torch.tensor(found[side]["found"]) for side in (OURS, peer))
    return float((ours - theirs).abs().max())


def write_inputs(folder: Path, few: bool) -> None:
    """What all programs are given."""
    save_file({size: activations(size) for size in FEATURES}, folder / "activations.safetensors")
    stories, fantasy = (
        [" ".join(text.split()[:WORDS]) for text in load_texts(name)][: FEW if few else TEXTS]
        for name in ("stories", "fantasy")
    )
    given = {
        "read": stories,
        "positive": fantasy,
        "negative": stories,
        "prompts": [" ".join(text.split()[: 4 + n % 8]) for n, text in enumerate(stories)][
            :PROMPTS
        ],
    }
    (folder / "texts.json").write_text(json.dumps(given), "utf-8")
    (folder / "model.json").write_text(json.dumps(str(SHIPPED)), "utf-8")


def activations(size: str) -> Tensor:
    """(inputs, d) of sparse features in superposition, whose mean norm is the square root of d."""
    n_features, width = FEATURES[size]
    truth = ground_truth(n_features, width, densities=(0.002, 0.015))
    x = truth.sample(16_384, torch.Generator().manual_seed(0)).activations
    return (x * width**0.5 / x.norm(dim=1).mean()).contiguous()


def table(rows: Sequence[Row]) -> str:
    """The rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name.replace("_", " ") for field in fields(Row)])
    writer.writerows(astuple(row) for row in rows)
    return text.getvalue()


def main() -> None:
    """Measure everything and write the table."""
    parser = argparse.ArgumentParser(description="This package beside its peers.")
    parser.add_argument("--trial", action="store_true", help="a little of everything")
    parser.add_argument("--turns", type=int, default=3, help="of each program in each comparison")
    asked = parser.parse_args()
    threads, turns = (1, 1) if asked.trial else (THREADS, asked.turns)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_inputs(folder, few=asked.trial)
        programs = {name: stack.enter_context(started(name, folder, threads)) for name in PROGRAMS}
        comparison = Comparison(programs, threads, turns, asked.trial)
        comparison.files()
        comparison.means()
        comparison.steering()
        for size, count in STEPS:
            for architecture in LEVELS:
                comparison.training(architecture, size, count)
    write_atomically(TABLE, table(comparison.rows))
    if comparison.doubts and not asked.trial:
        raise SystemExit("Not the same was done:\n" + "\n".join(comparison.doubts))


if __name__ == "__main__":
    main()
