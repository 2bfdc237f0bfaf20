"""What a suite chooses: a protocol, how often it is repeated, its frozen first prompts, and how masks are scored."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, SerializerFunctionWrapHandler, model_serializer

from bench import protocols
from bench.protocols import PromptProtocol, frozen
from curate.errors import UsageError
from curate.plugins import StrictModel

Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_LATER = {"seeds": 1, "first_prompts": None, "grid_mm": None}
"""Fields that suites did not have from the start, with what they then were: left out where they say just that."""


class _Choice(StrictModel):
    """A part of a suite whose hash stays what it was when a field is added."""

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if name not in _LATER or value != _LATER[name]}


class FirstPrompts(StrictModel):
    """A file of first prompts, and the hash of what it must hold."""

    file: str
    """Relative to the suite's own file."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the prompts, not of the file: `bench freeze` prints it."""
    _content: bytes | None = PrivateAttr(None)

    def read(self, folder: Path) -> None:
        """Take in the file, so that the suite carries its prompts to wherever it is pickled to.

        Raises:
            UsageError: When the file cannot be read.
        """
        path = folder / self.file
        try:
            self._content = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"first prompts {path}: cannot be read ({error.strerror}); write them with `bench freeze SUITE"
                f" --store STORE --out {path}`"
            ) from error

    def before(self, protocol: PromptProtocol) -> PromptProtocol:
        """Return the protocol with its first step taken from the file.

        Raises:
            UsageError: When the file was not read, holds other prompts, or those of another protocol.
        """
        if self._content is None:
            raise UsageError(f"the first prompts {self.file} are not at hand; load the suite from its own file")
        return frozen.load(self._content, self.sha256, protocol, self.file)


class ProtocolChoice(_Choice):
    """Which protocol, in which version, with which parameters, and how often each mask is tried."""

    name: str
    version: int
    parameters: dict[str, Any] = {}
    seeds: Annotated[int, Field(ge=1, strict=True)] = 1
    """Trials of each mask, with prompts drawn anew for each."""
    first_prompts: FirstPrompts | None = None
    """Prompts of the first step, read instead of drawn."""

    def take_in(self, folder: Path) -> None:
        """Read the frozen first prompts, if any, and check that they are the ones that are named.

        Args:
            folder: Where the suite's file lies.

        Raises:
            UsageError: When they cannot be read, are others, or those of another protocol.
        """
        if self.first_prompts is not None:
            self.first_prompts.read(folder)
            self.load()

    def drawing(self) -> PromptProtocol:
        """Return the protocol as its code draws, whatever is frozen.

        Raises:
            UsageError: For a protocol, version or parameters that are not there.
        """
        return protocols.load(self.name, self.version, self.parameters)

    def load(self) -> PromptProtocol:
        """Return the protocol, its first step frozen where a file is named.

        Raises:
            UsageError: For a protocol that is not there, or frozen prompts that are not its own.
        """
        own = self.drawing()
        return own if self.first_prompts is None else self.first_prompts.before(own)


class MetricChoice(_Choice):
    """What the metrics need to be told."""

    nsd_tolerance_mm: Length = 1.0
    nsd_tolerance_pixels: Length = 1.0
    """For images without spacing, whose distances are in pixels."""
    grid_mm: Length | None = None
    """Masks are scored on an isotropic grid of this spacing; None for the image's own."""
