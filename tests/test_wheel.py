"""What a user gets from `pip install`: a wheel with recipes, profiles and vocabulary in it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from curate.plugins import shipped_folder, shipped_names

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def run(*command, **options):
    """Run a command to its good end and return what it printed."""
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel with the tools of this environment."""
    pytest.importorskip("hatchling")
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (path,) = folder.glob("medseen-*.whl")
    return path


def test_the_wheel_holds_the_packages_and_every_manifest(wheel):
    """Both packages, their type marks and all files of manifests/ are in it; tests, reports and caches are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"curate/cli/__init__.py", "curate/py.typed", "bench/cli/__init__.py", "bench/py.typed"} <= names
    manifests = (path for path in shipped_folder("recipes").parent.rglob("*") if path.is_file())
    root = shipped_folder("recipes").parent
    assert {f"curate/manifests/{path.relative_to(root).as_posix()}" for path in manifests} <= names
    assert {name.split("/")[0] for name in names} == {
        "curate",
        "bench",
        next(n for n in names if "dist-info" in n).split("/")[0],
    }
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_an_installed_wheel_finds_what_ships(wheel, tmp_path):
    """From a fresh folder, without the checkout, `curate list` and `bench list suites` know every shipped file."""
    target = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    fresh = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}}
    where = run(sys.executable, "-c", "import curate, bench; print(curate.__file__, bench.__file__)", **fresh)
    assert all(path.startswith(str(target)) for path in where.split())
    found = json.loads(run(sys.executable, "-m", "curate", "list", "--json", **fresh))
    assert [row["recipe"] for row in found["recipes"]] == shipped_names("recipes")
    assert sorted(found["profiles"]) == shipped_names("profiles")
    assert all(
        name in run(sys.executable, "-m", "bench", "list", "suites", **fresh) for name in shipped_names("suites")
    )
    assert run(sys.executable, target / "bin/curate", "check", "phantom-png", **fresh).startswith("phantom-png: fine")
