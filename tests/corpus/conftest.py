"""One store of the whole corpus, built once for every test that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curate import manifest, pipeline, profile, sources
from curate.executor import Where
from curate.pipeline import Report

SOURCES = Path(__file__).with_name("sources.toml")


@dataclass(frozen=True, slots=True)
class Built:
    """A store and what its build reported."""

    store: Path
    reports: Mapping[str, Report]
    """By dataset."""

    def rows(self, table: str, dataset: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the rows of a dataset's table in which the named columns have the wanted values."""
        rows = manifest.read_table(self.store, table, [dataset]).to_pylist()
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


@pytest.fixture(scope="session")
def corpus_build(tmp_path_factory: pytest.TempPathFactory, corpus_dir: Path) -> Built:
    """Build every dataset of sources.toml with the profile `native`, in threads of this process."""
    assert corpus_dir.is_dir()
    store = tmp_path_factory.mktemp("corpus") / "native"
    reports = pipeline.build(sources.from_file(SOURCES), store, profile.load("native"), Where())
    return Built(store, {report.dataset: report for report in reports})


@pytest.fixture(scope="session")
def cleaned_build(tmp_path_factory: pytest.TempPathFactory, corpus_dir: Path) -> Built:
    """Build two datasets with the cleaning rules of SA-Med3D."""
    assert corpus_dir.is_dir()
    store = tmp_path_factory.mktemp("corpus") / "sa-med3d"
    wanted = [one for one in sources.from_file(SOURCES) if one.recipe.dataset.id in ("totalseg-ref", "ibsi-sts")]
    reports = pipeline.build(wanted, store, profile.load("sa-med3d"), Where())
    return Built(store, {report.dataset: report for report in reports})
