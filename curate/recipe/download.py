"""Where a dataset can be had: direct links, or the steps that a person must take."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from curate.plugins import StrictModel
from curate.recipe.paths import check_relative

Access = Literal["open", "account", "request", "closed"]
"""open: anyone may download it; account: after logging in or accepting terms; request: after somebody agrees; closed:
it can no longer be had."""
_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


class DownloadFile(StrictModel):
    """One file behind a direct link."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    name: str
    """What it is called on disk, relative to the source root."""
    checksum: str | None = None
    """`md5:`, `sha1:`, `sha256:` or `sha512:` and hexadecimal digits, as the source states them; None: it does not."""
    size_bytes: Annotated[int, Field(gt=0)] | None = None
    unpack: bool = False
    """True for an archive whose content is the dataset; it is unpacked into the folder `into`."""
    into: str = "."

    @field_validator("name", "into")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        return path if path == "." else check_relative(path)

    @field_validator("checksum")
    @classmethod
    def _hexadecimal(cls, checksum: str | None) -> str | None:
        if checksum is not None:
            kind, _, digits = checksum.partition(":")
            if not re.fullmatch(rf"[0-9a-f]{{{_DIGITS.get(kind, 0)}}}", digits) or kind not in _DIGITS:
                raise ValueError(
                    f"`{checksum}` must be one of {', '.join(_DIGITS)}, a colon and its digits in lower case"
                )
        return checksum


class Download(StrictModel):
    """How a person gets the dataset."""

    access: Access
    page: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Where it is offered."""
    steps: tuple[str, ...] = ()
    """What a person does, one sentence each, where no direct link leads to it."""
    files: tuple[DownloadFile, ...] = ()

    @model_validator(mode="after")
    def _says_how(self) -> "Download":
        if self.files and self.access != "open":
            raise ValueError(f"direct links go with access = `open`, not with `{self.access}`")
        if not self.files and not self.steps:
            raise ValueError("give `files`, or `steps` that a person takes")
        return self
