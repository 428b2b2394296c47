"""The training step with the primitives of autodiff, and nn's loss and optimizer."""

from __future__ import annotations

from functools import partial
from typing import Any

import autodiff as ad
import nn
from benchmarks.gpt import PARAMS, X, Y
from benchmarks.gpt.program import Library, logits


class Network(nn.Module):
    """The parameters by name, and the program."""

    def __init__(self) -> None:
        super().__init__()
        self.params = {name: nn.Parameter(value) for name, value in PARAMS.items()}
        self.library = Library(ad, ad.softmax, partial(ad.gelu, approximate=True))

    def forward(self, tokens: Any) -> Any:
        """Logits of the next characters."""
        return logits(self.library, self.params, tokens)


def steps(compile: Any) -> dict[str, Any]:
    """The training step."""
    model = Network()
    optimizer = nn.optim.Optimizer(model, nn.optim.adam())

    def step() -> Any:
        loss = nn.losses.cross_entropy(model(X), Y)
        grads = ad.gradients(loss, optimizer.parameters)
        optimizer.step(grads)
        return loss, grads

    return {"step": compile(step)}
