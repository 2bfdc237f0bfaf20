"""Unpack an archive that nobody vouches for: into a folder of its own, and nothing of it anywhere else."""

import lzma
import re
import shutil
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from curate.fetch.members import Member, members
from curate.fetch.problem import FetchError
from curate.fetch.sizes import shown

_BLOCK_BYTES = 1 << 20
_MOST_TIMES = 200
"""How many times its own size an archive may become: label maps shrink to a hundredth."""
_ALWAYS_BYTES = 1 << 30
"""What any archive may become, however small it is."""
_FREE_SHARE = 0.95
"""Of the free disk, what unpacking may take."""
_MOST_MEMBERS = 5_000_000
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_UNREADABLE = (NotImplementedError, RuntimeError)
"""Raised by zipfile for compression that it does not know, and for passwords."""


@dataclass(slots=True)
class Budget:
    """How much may still be written."""

    bytes_left: int
    why: str
    """What set the limit, for the message."""
    members_left: int = _MOST_MEMBERS

    def take(self, size_bytes: int, archive: str) -> None:
        """Take bytes off.

        Raises:
            FetchError: When there are not as many left.
        """
        self.bytes_left -= size_bytes
        if self.bytes_left < 0 or self.members_left <= 0:
            raise FetchError(f"{archive} would become larger than {self.why}; nothing of it was kept")


def budget(archive: Path, folder: Path) -> Budget:
    """Return what an archive may become in a folder."""
    size = archive.stat().st_size
    most = max(_ALWAYS_BYTES, _MOST_TIMES * size)
    room = int(_FREE_SHARE * shutil.disk_usage(folder).free)
    if room < most:
        return Budget(room, f"the {shown(room)} that the disk has room for")
    return Budget(most, f"{shown(most)}, the most that is believed of an archive of {shown(size)}")


def unpack(archive: Path, folder: Path, limit: Budget | None = None) -> dict[str, int]:
    """Unpack a zip or tar file into a new folder; return the size in bytes of every file, by path.

    Links, devices and members whose paths lead out of the folder make the whole archive refused.

    Raises:
        FetchError: When it is refused, damaged, too large, or of a kind that cannot be unpacked here. What was
            written until then is left to the caller.
    """
    folder.mkdir(parents=True)
    left = limit or budget(archive, folder)
    sizes: dict[str, int] = {}
    try:
        for member in tqdm(members(archive), desc=f"unpack {archive.name}", unit="file", disable=None):
            left.members_left -= 1
            path = inside(member.name, archive.name)
            if member.kind == "other":
                raise FetchError(f"{archive.name} has a link or device, `{member.name}`; it was not unpacked")
            if member.kind == "folder":
                (folder / path).mkdir(parents=True, exist_ok=True)
            else:
                sizes[path.as_posix()] = _write(member, folder / path, left, archive.name)
    except _DAMAGE as error:
        raise FetchError(f"{archive} is damaged ({error}); delete it, and fetch it again") from error
    except _UNREADABLE as error:
        raise FetchError(f"{archive.name} cannot be unpacked here ({error}); unpack it by hand") from error
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise FetchError(f"{archive.name} has a file and a folder of one name; it was not unpacked") from error
    return sizes


def inside(name: str, archive: str) -> PurePosixPath:
    """Return the path of a member within its folder.

    Raises:
        FetchError: When it leads out of there, or is no path.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise FetchError(f"{archive} has a member that leads out of its folder, `{name}`; it was not unpacked")
    return path


def _write(member: Member, path: Path, left: Budget, archive: str) -> int:
    """Write one file; what it states counts against the budget at once, and it may not hold more than that."""
    left.take(member.size_bytes, archive)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with member.open() as source, path.open("wb") as target:
        while block := source.read(_BLOCK_BYTES):
            written += len(block)
            if written > member.size_bytes:
                raise FetchError(f"{archive}: `{member.name}` holds more than it states; nothing of it was kept")
            target.write(block)
    if written < member.size_bytes:
        raise FetchError(f"{archive}: `{member.name}` holds less than it states; delete it, and fetch it again")
    return written
