"""A TorchScript file as an automatic model."""

import warnings
from pathlib import Path
from typing import Any

from bench.models.adapters.exported import Exported, Predictor
from bench.models.base import Capabilities, ModelCard
from curate.errors import UsageError


class TorchScript(Exported):
    """A network that `torch.jit.save` wrote: float32 (n, colours, *patch) -> logits (n, channels, *patch).

    A TorchScript file is a program: open only those that you trust.
    """

    kind = "torchscript"
    card = ModelCard(
        kind,
        "an exported network that segments its targets without prompts (TorchScript)",
        "unknown",
        Capabilities(frozenset({2, 3}), frozenset({"target"})),
        None,
        "TorchScript file (.pt) with a description of the same name beside it (.toml)",
    )

    def _loaded(self, weights: Path, device: str) -> Predictor:
        import torch

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that TorchScript has successors concerns who exports
                module: Any = torch.jit.load(str(weights), map_location=device)  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError, OSError) as error:
            raise UsageError(f"{weights}: is no TorchScript file; write it with torch.jit.save") from error
        predictor: Predictor = module.eval()
        return predictor
