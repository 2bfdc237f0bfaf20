"""SAM and SAM 2 of the package transformers, as networks for 2D inference."""

from pathlib import Path
from typing import Any

from torch import Tensor

from bench.models.adapters.extras import needed
from bench.models.planar.network import Embedding
from curate.errors import UsageError

CLASSES = {"sam": "SamModel", "sam2": "Sam2Model", "sam2_video": "Sam2Model"}
"""`model_type` in a folder's config.json -> the class that runs pictures."""


class HostedNetwork:
    """Satisfies `bench.models.planar.network.PlanarNetwork`."""

    def __init__(self, network: Any, side: int) -> None:
        """Wrap a `SamModel` or `Sam2Model` for squares of `side` pixels."""
        self.network = network
        self.side = side

    def encode(self, pictures: Tensor) -> Embedding:
        """Map normalised pictures, (n, 3, side, side) float32, to their embedding, or to several of one picture."""
        found = self.network.get_image_embeddings(pictures)
        return found if isinstance(found, Tensor) else tuple(found)

    def decode(
        self,
        embedding: Embedding,
        points_xy: Tensor,
        labels: Tensor,
        boxes_xyxy: Tensor | None,
        mask_logits: Tensor | None,
        *,
        multimask: bool,
    ) -> tuple[Tensor, Tensor]:
        """Answer m prompts of one picture; see the protocol.

        Each prompt is a batch of its own, since transformers shares a previous mask among the prompts of a picture.
        """
        count = len(points_xy)
        shown: dict[str, Tensor | None] = {"input_masks": mask_logits}
        if points_xy.shape[1]:
            shown |= {"input_points": points_xy[:, None], "input_labels": labels[:, None]}
        if boxes_xyxy is not None:
            shown["input_boxes"] = boxes_xyxy[:, None]
        repeated = _repeated(embedding, count)
        answer = self.network(image_embeddings=repeated, multimask_output=multimask, **shown)
        return answer.pred_masks[:, 0], answer.iou_scores[:, 0]


def load(folder: Path, device: str, model: str, *families: str) -> HostedNetwork:
    """Read a network from a folder that `save_pretrained` wrote; nothing is downloaded.

    Args:
        folder: Holds config.json and model.safetensors.
        device: A PyTorch device.
        model: Who asks.
        families: Which values of `model_type` it takes.

    Raises:
        UsageError: When transformers is not installed, or the folder is none or another model's.
    """
    transformers = needed("transformers", "transformers", model)
    needed("transformers.utils.logging", "transformers", model).disable_progress_bar()
    advice = f"name a folder with config.json and model.safetensors of {' or '.join(families)} with --weights"
    try:
        kind = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True).model_type
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: cannot be read by transformers ({type(error).__name__}); {advice}") from error
    if kind not in families:
        raise UsageError(f"{folder}: holds a {kind}; {advice}")
    maker = getattr(transformers, CLASSES[kind], None)
    if maker is None:
        raise UsageError(
            f"this version of transformers has no {CLASSES[kind]}: type python -m pip install -U transformers"
        )
    try:
        network, found = maker.from_pretrained(str(folder), local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{folder}: cannot be read by transformers ({type(error).__name__}); {advice}") from error
    lacking = sorted([*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])])
    if lacking:
        raise UsageError(f"{folder}: lacks {len(lacking)} weights ({', '.join(lacking[:3])}); {advice}")
    return HostedNetwork(network.to(device).eval().requires_grad_(requires_grad=False), _side(network.config))


def _side(config: Any) -> int:
    size = config.prompt_encoder_config.image_size
    return int(size if isinstance(size, int) else size[0])


def _repeated(embedding: Embedding, count: int) -> Any:
    if isinstance(embedding, Tensor):
        return embedding.expand(count, -1, -1, -1)
    return [part.expand(count, -1, -1, -1) for part in embedding]
