"""A package that is installed beside medseen brings its model under a name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the package of `plugin_package` into a folder of its own, without any network; return the folder."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    source = ROOT / "tests" / "plugin_package"
    subprocess.run([*command, "--target", str(target), str(source)], check=True, timeout=120)
    return target


@pytest.fixture
def bench(installed):
    """Return a function that runs `bench` where the package is installed, and parses what it prints."""

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(installed)])}
        command = [sys.executable, "-m", "bench", *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_its_model_is_listed_beside_ours(bench):
    """`bench list models` has the plugin's card; an entry point that cannot be imported says so, and hides nothing."""
    rows = {row["model"]: row for row in bench("list", "models")}
    assert {"oracle", "threshold-plugin", "broken-plugin"} <= set(rows)
    assert rows["threshold-plugin"]["description"] == "brightness of the first click"
    assert rows["broken-plugin"]["description"].startswith(
        "model `broken-plugin` of medseen-thresholds cannot be imported: No module named 'thresholds.missing'"
    )


def test_its_model_keeps_its_promises(bench):
    """The plugin's model is checked by its name, as ours are."""
    assert {row["result"] for row in bench("check-model", "threshold-plugin")} == {"pass"}
