"""What may import what: parsed from the source, compared with the tables below."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = (
    "webpage",
    "errors console files geometry png voxel_blocks labelmap volume plugins schema rejections vocabulary cluster",
    "executor lineage licences recipe profile manifest",
    "source_tree split_lists matching scan splits",
    "dicom readers source_files label_voxels run_components regions packing masks structures harmonise phantoms",
    "rules rows slicing",
    "piece",
    "opening",
    "annotating keeping",
    "case",
    "tables store verify funnel stats",
    "pipeline preview sources exporters duplicates draft",
    "resplit replica catalogue fetch overlaps report",
    "cli __main__",
)
"""Modules of `curate`, lowest first: a module imports from its own layer and those below it."""
FOUNDATION = "errors console files executor geometry volume labelmap schema manifest vocabulary plugins lineage webpage"
"""All that `bench` may import from `curate`."""
IMAGING = (
    "curate/readers/",
    "curate/volume.py",
    "curate/voxel_blocks.py",
    "curate/harmonise.py",
    "curate/phantoms.py",
    "curate/replica/",
)
HOMES = {
    "SimpleITK": IMAGING,
    "nibabel": IMAGING,
    "pydicom": ("curate/readers/", "curate/dicom/", "curate/replica/"),
    "h5py": ("curate/readers/", "curate/replica/"),
    "dask": ("curate/cluster.py", "curate/executor.py"),
    "distributed": ("curate/cluster.py", "curate/executor.py"),
    "pooch": ("curate/fetch/",),
    "requests": ("curate/fetch/",),
    "torch": ("bench/models/", "bench/devices.py", "bench/metrics/on_torch.py"),
    "transformers": ("bench/models/",),
    "onnxruntime": ("bench/models/",),
    "monai": ("bench/models/",),
    "matplotlib": ("bench/plots/", "curate/report/", "curate/webpage/"),
}
"""Library -> the only places that import it."""
HEAVY = {*HOMES, "numpy", "scipy", "pandas", "pyarrow", "pydantic", "skimage", "PIL", "cc3d", "edt", "jinja2"}
"""What --help must not load."""
LAYER_OF = {name: number for number, names in enumerate(LAYERS) for name in names.split()}


def imported(node: ast.AST) -> list[str]:
    """Return the dotted names that a statement imports; `from a import b` gives `a.b`, which may be an object of a."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []


def at_import(tree: ast.Module, *, lazily_too: bool = False) -> list[str]:
    """Return what a module imports when it is itself imported, or also in functions; never what type checkers need."""
    todo: list[ast.AST] = list(tree.body)
    found: list[str] = []
    while todo:
        node = todo.pop()
        found += imported(node)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not typing_only and (lazily_too or not is_function):
            todo += ast.iter_child_nodes(node)
    return found


def misplaced(path: str, name: str) -> str | None:
    """Say why a file may not import `name`; None where it may."""
    package, module, *_ = path.removesuffix(".py").split("/")
    library, part, *_ = f"{name}..".split(".")
    if not path.startswith(HOMES.get(library, "")):
        return f"imports {library}, whose home is {', '.join(HOMES[library])}"
    if package == "curate" and library == "bench":
        return f"imports {name}; curate never imports bench"
    if package == "bench" and library == "curate" and part not in FOUNDATION.split():
        return f"imports {name}, which is no foundation"
    if package == library == "curate" and LAYER_OF.get(part, 0) > LAYER_OF.get(module, 0):
        return f"imports {name} from a layer above"
    return None


def out_of_place(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield every import, print and assert of one file that has no place there."""
    package, module, *_ = path.removesuffix(".py").split("/")
    if package == "curate" and module not in {*LAYER_OF, "__init__"}:
        yield f"{path} has no layer; put it into LAYERS"
    for node in ast.walk(tree):
        reasons = [misplaced(path, name) for name in imported(node)]
        if isinstance(node, ast.Assert):
            reasons.append("asserts; raise an error that says what to do")
        printing = isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        if printing and module not in ("cli", "console"):
            reasons.append("prints; only cli.py does")
        yield from (f"{path}:{node.lineno} {reason}" for reason in reasons if reason)


def violations(root: Path) -> list[str]:
    """Return every broken rule below a folder that holds `curate` and `bench`, a line each."""
    files = sorted(path for package in ("curate", "bench") for path in (root / package).rglob("*.py"))
    trees = {path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}
    lines = [line for path, tree in trees.items() for line in out_of_place(path, tree)]
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in trees}

    def needed(*, lazily_too: bool) -> dict[str, set[str]]:
        found = {module: at_import(trees[path], lazily_too=lazily_too) for module, path in modules.items()}
        whole = {one: {name if name in modules else name.rpartition(".")[0] for name in found[one]} for one in found}
        return {one: {name for name in names if name in modules} - {one} for one, names in whole.items()}

    needs = needed(lazily_too=False)
    try:
        TopologicalSorter(needed(lazily_too=True)).prepare()
    except CycleError as error:
        lines.append(f"import in a circle: {' -> '.join(error.args[1])}")
    todo, seen = ["curate.cli", "bench.cli"], set()
    while todo:
        module = todo.pop()
        if module in modules and module not in seen:
            seen.add(module)
            todo += needs[module]
            heavy = sorted(HEAVY & {name.split(".")[0] for name in at_import(trees[modules[module]])})
            lines += [f"{modules[module]} imports {name} for --help" for name in heavy]
    return lines


def test_every_import_has_its_place():
    """Layers, library homes, prints, asserts and circles are as the tables say, in every file of both packages."""
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("curate/scan.py", "def f():\n    from bench import run", ":2 imports bench.run; curate never imports bench"),
        ("bench/run.py", "from curate import pipeline", ":1 imports curate.pipeline, which is no foundation"),
        ("bench/run.py", "import curate.case", ":1 imports curate.case, which is no foundation"),
        (
            "bench/score.py",
            "if 1:\n    import torch.nn",
            ":2 imports torch, whose home is bench/models/, bench/devices.py, bench/metrics/on_torch.py",
        ),
        (
            "curate/pipeline.py",
            "from dask import delayed",
            ":1 imports dask, whose home is curate/cluster.py, curate/executor.py",
        ),
        ("curate/recipe.py", "from curate import scan", ":1 imports curate.scan from a layer above"),
        ("curate/readers/x.py", "from curate.case import build", ":1 imports curate.case.build from a layer above"),
        ("curate/novel.py", "", " has no layer; put it into LAYERS"),
        ("bench/plots/curves.py", "print(1)", ":1 prints; only cli.py does"),
        ("curate/rows.py", "assert True", ":1 asserts; raise an error that says what to do"),
        ("curate/cli.py", "from pydantic import BaseModel", " imports pydantic for --help"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, path, text, line):
    """Each rule catches a file that breaks it, once."""
    planted(tmp_path, {path: text})
    assert violations(tmp_path) == [path + line]


def test_planted_violations_of_two_files_are_found(tmp_path):
    """Circles, and what --help loads by way of another module, are found."""
    lazily = "def f():\n    import curate.rows"
    planted(tmp_path, {"curate/rows.py": "from curate import rules", "curate/rules.py": lazily})
    planted(tmp_path, {"bench/cli.py": "import bench.suite", "bench/suite.py": "import numpy"})
    circle, heavy = violations(tmp_path)
    assert circle.startswith("import in a circle: curate.")
    assert heavy == "bench/suite.py imports numpy for --help"


def test_what_has_its_place_is_left_alone(tmp_path):
    """Imports at home, inside functions and for type checkers break no rule."""
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\ndef f():\n    import pydantic\n"
    executor = "import dask.array\nfrom curate.errors import UsageError\n"
    planted(tmp_path, {"curate/cli.py": text + "    print(pydantic)\n", "curate/executor.py": executor})
    assert violations(tmp_path) == []


def planted(root: Path, files: dict[str, str]) -> None:
    """Write source files below a folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
