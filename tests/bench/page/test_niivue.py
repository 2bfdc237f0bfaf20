import base64
import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from bench.page import niivue

ROOT = Path(__file__).resolve().parents[3]


def package(folder, name=f"package/dist/{niivue.SCRIPT}"):
    """Write a package file with one member and return it with its digest."""
    path = folder / "niivue.tgz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"code"))
    return path, "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def test_only_the_pinned_file_is_unpacked(tmp_path):
    """The script comes out of a package with the right digest; one with another digest is refused with both."""
    path, digest = package(tmp_path)
    assert niivue.unpacked(path, digest) == b"code"
    with pytest.raises(niivue.NotFetchedError, match=r"niivue\.tgz has the digest sha512-.*, expected sha512-YMjQv"):
        niivue.unpacked(path)


def test_a_package_without_the_script_is_refused(tmp_path):
    """A package of the right digest but another layout is refused by the name of what is not in it."""
    path, digest = package(tmp_path, "package/other.js")
    with pytest.raises(niivue.NotFetchedError, match=r"holds no package/dist/niivue\.umd\.js"):
        niivue.unpacked(path, digest)


def test_without_npm_the_reason_is_one_line(tmp_path, monkeypatch):
    """Where npm is missing nothing is written, and the error says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(niivue.NotFetchedError, match=r"^npm is not installed$"):
        niivue.vendor(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_what_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    """A viewer that was vendored before needs neither npm nor a network."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / niivue.SCRIPT).write_bytes(b"code")
    assert niivue.vendor(tmp_path) == tmp_path / niivue.SCRIPT


def test_the_build_goes_on_without_npm(tmp_path, monkeypatch):
    """The build hook turns a missing npm into one warning that says how to get the viewer later."""
    pytest.importorskip("hatchling")
    monkeypatch.syspath_prepend(ROOT / ".ci")
    monkeypatch.setattr(niivue, "vendored", lambda *_: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    import build_hook

    said = []
    app = type("App", (), {"display_warning": lambda _, text: said.append(text)})()
    hook = build_hook.CustomBuildHook(str(ROOT), {}, None, None, "", "wheel", app)
    hook.initialize("standard", {})
    sys.modules.pop("build_hook")
    assert said == ["leaderboards will lack the 3D viewer (npm is not installed); later: python -m bench.page.niivue"]


def test_the_licence_is_the_one_that_the_package_names():
    """The text that goes with the script is BSD-2-Clause with the copyright of NiiVue."""
    text = (ROOT / "bench" / "page" / niivue.LICENCE).read_text(encoding="utf-8")
    assert "BSD 2-Clause License" in text
    assert "Copyright (c) 2021, Niivue" in text
