"""An ONNX file as an automatic model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.models.adapters.exported import Exported, Predictor
from bench.models.adapters.extras import needed
from bench.models.base import Capabilities, ModelCard
from curate.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


class Onnx(Exported):
    """A network with one input and one output: float32 (n, colours, *patch) -> logits (n, channels, *patch)."""

    kind = "onnx"
    card = ModelCard(
        kind,
        "an exported network that segments its targets without prompts (ONNX Runtime)",
        "unknown",
        Capabilities(frozenset({2, 3}), frozenset({"target"})),
        None,
        "ONNX file (.onnx) with a description of the same name beside it (.toml)",
    )

    def _loaded(self, weights: Path, device: str) -> Predictor:
        runtime: Any = needed("onnxruntime", "onnx", self.kind)
        provider = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
        if provider not in runtime.get_available_providers():
            raise UsageError(f"onnx: this onnxruntime has no {provider}: type --device cpu")
        try:
            session = runtime.InferenceSession(str(weights), providers=[provider])
        except Exception as error:  # its errors have no common class
            raise UsageError(f"{weights}: ONNX Runtime cannot read it ({type(error).__name__})") from error
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise UsageError(f"{weights}: has {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")

        def predict(patches: "Tensor") -> "Tensor":
            import torch

            return torch.from_numpy(session.run(None, {inputs[0].name: patches.cpu().numpy()})[0]).to(patches.device)

        return predict
