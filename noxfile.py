"""Every task of the project has a session here; `python -m nox --list` shows them."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

PYPROJECT = nox.project.load_toml("pyproject.toml")
CONSTRAINTS = ("-c", ".ci/constraints.txt")
REPORTS = Path("reports")
MODELS = ("oracle", "box-fill", "region-growing")


def install(session: nox.Session, *groups: str) -> None:
    """Install medseen and the tools of some dependency groups, within the constraints."""
    tools = nox.project.dependency_groups(PYPROJECT, *groups) if groups else ()
    session.install("-e", ".", *tools, *CONSTRAINTS)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests that need no GPU, no network and no long wait."""
    install(session, "test")
    session.run("pytest", "-n", "2", "--dist", "loadfile", "-m", "not slow and not gpu", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """Run the tests that take minutes."""
    install(session, "test")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Run the tests that need a CUDA device."""
    install(session, "test")
    session.run("pytest", "-m", "gpu", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "types")
    session.run("mypy")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Go the whole way, from source trees to a leaderboard page; `-- --corpus DIR` takes the real corpus."""
    install(session)
    work = Path(session.create_tmp())
    if session.posargs[:1] == ["--corpus"]:
        out, suite, raw = REPORTS / "demo-corpus", "all", session.posargs[1]
        recipes = sorted(str(path) for path in Path("tests/corpus/recipes").glob("*.toml"))
    else:
        out, suite, raw = REPORTS / "demo", "phantom", str(work / "raw")
        recipes = ["phantom-nnunet", "phantom-nrrd", "phantom-png"]
        session.run("python", "-m", "curate.phantoms", raw)
    store, runs = work / out.name / "store", [work / out.name / "runs" / model for model in MODELS]
    shutil.rmtree(work / out.name, ignore_errors=True)
    session.run("curate", "build", *recipes, "--raw", raw, "--out", str(store))
    session.run("curate", "verify", str(store))
    session.run("curate", "stats", str(store))
    named = [argument for recipe in recipes for argument in ("--recipe", recipe)]
    session.run("curate", "report", str(store), *named, "--out", str(out / "store"), success_codes=[0, 1])
    for model, run in zip(MODELS, runs, strict=True):
        where = ("--store", str(store), "--out", str(run), "--workers", "2")
        session.run("bench", "run", suite, "--model", model, *where, "--keep-predictions")
    session.run("bench", "leaderboard", *map(str, runs), "--out", str(out))
    session.log(f"open {(out / 'index.html').resolve().as_uri()}")


@nox.session(default=False)
def reports(session: nox.Session) -> None:
    """Make reports/example anew, from phantoms to a leaderboard; `-- --check` says what would change."""
    install(session)
    session.run("python", "tests/make_example.py", *session.posargs)


@nox.session(default=False)
def perf(session: nox.Session) -> None:
    """Measure speed as ratios, both sides in one run, and write the tables to reports/perf."""
    install(session, "test")
    for script in sorted(Path("tests/perf").glob("bench_*.py")):
        session.run("python", str(script))
