"""The stacked parameters of the models that are left, and the optimiser that moves them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.optim import Optimizer

Parameters = dict[str, Tensor]
"""Names to stacks, models on the first axis."""

# These treat every number by itself, so that a stack trains as its models would alone.
_ELEMENTWISE = (
    torch.optim.Adadelta,
    torch.optim.Adagrad,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.Adamax,
    torch.optim.ASGD,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
    torch.optim.Rprop,
    torch.optim.SGD,
)


class Crew:
    """The models that are left, with their optimiser, and where those that have left came to.

    An optimiser that treats every number by itself holds each stack as one tensor. For another,
    each model's slice of the stack is a tensor of its own, in the same memory.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], optimiser: Callable[[list[Tensor]], Optimizer]
    ) -> None:
        self.stacks = {
            name: p.detach().clone(memory_format=torch.contiguous_format)
            for name, p in parameters.items()
        }
        self._ends = {name: p.clone() for name, p in self.stacks.items()}
        self.models = torch.arange(count_models(parameters))
        kind = type(optimiser([torch.zeros(1, 1)]))
        if issubclass(kind, torch.optim.LBFGS | torch.optim.SparseAdam):
            raise ValueError(
                f"optimiser: got {kind.__name__}; allowed are those of torch.optim that take dense "
                "gradients and no closure"
            )
        self._whole = kind in _ELEMENTWISE
        self._slices = {name: list(p.unbind()) for name, p in self.stacks.items()}
        apart = [one for slices in self._slices.values() for one in slices]
        self._optimiser = optimiser(list(self.stacks.values()) if self._whole else apart)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]

    def set_rate(self, factor: float) -> None:
        """Take the optimiser's own rates times a factor."""
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor

    def step(self, gradients: Parameters, shares: Float[Tensor, " models"] | None) -> None:
        """Move all stacks along their gradients, each model by its share of the step."""
        before = {name: p.clone() for name, p in self.stacks.items()} if shares is not None else {}
        for name, stack in self.stacks.items():
            # Fused optimisers read memory as it lies: it must lie as the parameter's does.
            gradient = gradients[name].contiguous()
            if self._whole:
                stack.grad = gradient
            else:
                for one, its in zip(self._slices[name], gradient.unbind(), strict=True):
                    one.grad = its
        self._optimiser.step()
        if shares is not None:
            for name, stack in self.stacks.items():
                share = shares.to(stack).reshape(-1, *[1] * (stack.dim() - 1))
                stack.copy_(torch.lerp(before[name], stack, share))

    def moments(self) -> dict[str, dict[str, Any]]:
        """What the optimiser remembers of each stack; nothing where it holds models apart."""
        return {name: self._optimiser.state[stack] for name, stack in self.stacks.items()}

    def finite(self) -> Bool[Tensor, " models"]:
        """Which models have finite parameters."""
        each = [stack.reshape(len(stack), -1).isfinite().all(1) for stack in self.stacks.values()]
        return torch.stack(each).all(0)

    def dismiss(self, leaving: Bool[Tensor, " models"]) -> Parameters:
        """Keep where the leaving models are, and go on without them; gives all kept so far."""
        if leaving.any():
            gone, stay = self.models[leaving], (~leaving).nonzero()[:, 0]
            for name, stack in self.stacks.items():
                self._ends[name][gone] = stack[leaving]
                self._shrink(name, stack, stay)
            self.models = self.models[stay]
        return self._ends

    def _shrink(self, name: str, stack: Tensor, stay: Tensor) -> None:
        if self._whole:
            state = self._optimiser.state[stack]
            for key, value in state.items():
                if isinstance(value, Tensor) and value.shape == stack.shape:
                    state[key] = value[stay]
            stack.grad, stack.data = None, stack.data[stay]
            return
        kept = stack[stay]
        chosen = set(stay.tolist())
        for i, one in enumerate(self._slices[name]):
            if i not in chosen:
                one.grad = None  # what has no gradient is left alone
        self._slices[name] = [self._slices[name][i] for i in stay.tolist()]
        for one, memory in zip(self._slices[name], kept.unbind(), strict=True):
            one.data = memory
        self.stacks[name] = kept


def count_models(parameters: Mapping[str, Tensor]) -> int:
    """How many models the stacks hold."""
    counts = {name: len(p) if p.dim() else 0 for name, p in parameters.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ValueError(f"parameters: got {counts} models; allowed is one number above 0 for all")
    for name, p in parameters.items():
        if not (p.is_floating_point() and p.isfinite().all()):
            raise ValueError(f"parameters: got {name} with values that are no finite numbers")
    return counts[next(iter(counts))]
