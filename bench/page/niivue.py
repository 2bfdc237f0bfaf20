"""The 3D viewer NiiVue, taken from its npm package when medseen is built: one pinned version, checked by its digest.

The build must work where none of medseen's dependencies is installed, so this module imports the standard library only.
`python -m bench.page.niivue` fetches the viewer into an installation that was built without npm.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "0.69.0"
PACKAGE = f"@niivue/niivue@{VERSION}"
INTEGRITY = "sha512-YMjQvJgD1W2b7DuoxkwlC4VxbrgIePRJ5qyQzXKxi2v2MBVg285P/CIQyg46oDDGDIcaNlbd+MhtO/edMbXJkA=="
"""Of the package file, as subresource integrity writes it."""
SCRIPT, LICENCE = "niivue.umd.js", "niivue-licence.txt"
HOW_TO_GET = "python -m bench.page.niivue"

_HERE = Path(__file__).parent
_MEMBER = f"package/dist/{SCRIPT}"
_SECONDS_TO_WAIT = 120


class NotFetchedError(RuntimeError):
    """The viewer could not be had: no npm, no network, or a file that is not the pinned one."""


def vendored(folder: Path = _HERE / "vendor") -> Path | None:
    """Return the script of the viewer, or None where this installation was built without it."""
    script = folder / SCRIPT
    return script if script.is_file() else None


def vendor(folder: Path = _HERE / "vendor") -> Path:
    """Fetch the viewer through npm, with whatever registry npm is set up for, unless it is there already.

    Args:
        folder: Where `niivue.umd.js` and its licence go.

    Returns:
        The script.

    Raises:
        NotFetchedError: With the reason in one line.
    """
    present = vendored(folder)
    if present:
        return present
    with tempfile.TemporaryDirectory() as temporary:
        content = unpacked(_packed(Path(temporary)))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_HERE / LICENCE, folder / LICENCE)
    part = folder / f".part-{SCRIPT}"
    part.write_bytes(content)
    return part.replace(folder / SCRIPT)


def unpacked(package: Path, integrity: str = INTEGRITY) -> bytes:
    """Return the script inside a package file.

    Raises:
        NotFetchedError: When the file does not have the digest, or holds no script.
    """
    found = "sha512-" + base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if found != integrity:
        raise NotFetchedError(f"{package.name} has the digest {found}, expected {integrity}")
    with tarfile.open(package) as archive:
        member = archive.extractfile(_MEMBER) if _MEMBER in archive.getnames() else None
        if member is None:
            raise NotFetchedError(f"{package.name} holds no {_MEMBER}")
        return member.read()


def _packed(folder: Path) -> Path:
    """Let npm download the package file into a folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotFetchedError("npm is not installed")
    command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, timeout=_SECONDS_TO_WAIT, check=False)  # noqa: S603, fixed arguments
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFetchedError(f"npm did not answer: {error}") from error
    packages = sorted(folder.glob("*.tgz"))
    if ended.returncode or not packages:
        raise NotFetchedError(f"npm pack {PACKAGE} ended with status {ended.returncode}; is there a network?")
    return packages[0]


if __name__ == "__main__":
    try:
        vendor()
    except NotFetchedError as error:
        raise SystemExit(f"the 3D viewer was not fetched: {error}") from error
