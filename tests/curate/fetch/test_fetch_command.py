import json

import pytest

from curate.cli import of_fetch
from curate.console import Commands, dispatch

from .conftest import md5

RECIPE = """
schema = 1
[dataset]
id = "tiny"
title = "Tiny volumes"
licence = "{licence}"
licence_evidence = "made by a test"
citation = "none"
source = "a test"
annotation = "phantom"
region = "abdomen"
{facts}
[[images]]
path = "{{case}}.nii.gz"
modality = "CT"
{root}
[[labels]]
path = "labels/{{case}}.nii.gz"
values = {{ 1 = "liver" }}
{download}
"""
GATED = """
[download]
access = "account"
page = "https://example.org/tiny"
steps = ["Accept the terms.", "Download tiny.zip."]
"""


@pytest.fixture
def recipe(tmp_path):
    """Return a function that writes a recipe and returns its path."""

    def write(download, licence="CC-BY-4.0", facts="", root=""):
        path = tmp_path / "tiny.toml"
        path.write_text(RECIPE.format(download=download, licence=licence, facts=facts, root=root), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs `curate fetch` without pauses and returns its status, output and errors."""
    monkeypatch.setattr("curate.fetch.transfer.time.sleep", lambda _: None)

    def call(*arguments):
        commands = Commands("curate", "a test")
        of_fetch.add_fetch(commands.add("fetch", of_fetch.fetch, "fetch"))
        status = dispatch(commands.parser, ["fetch", *map(str, arguments)])
        return (status, *capsys.readouterr())

    return call


def files(*entries):
    """Return the `[download]` of open files: name, url, content or None for no checksum, further lines."""
    text = '[download]\naccess = "open"\npage = "https://example.org/tiny"\n'
    for name, url, content, more in entries:
        checksum = f'checksum = "{md5(content)}"\n' if content is not None else ""
        text += f'[[download.files]]\nname = "{name}"\nurl = "{url}"\n{checksum}{more}\n'
    return text


def test_an_open_dataset_is_fetched_and_the_next_command_is_said(run, recipe, server, tmp_path):
    """Status 0, the licence, and a build command that names the folder; a second run finds all of it there."""
    path = recipe(files(("a.nii.gz", server.put("a", b"image"), b"image", "")))
    out = tmp_path / "raw"
    status, text, errors = run(path, "--out", out)
    assert (status, errors) == (0, "")
    assert (out / "a.nii.gz").read_bytes() == b"image"
    assert "licence: CC-BY-4.0 (made by a test)\n" in text
    assert text.endswith(f"next: curate build {path} --raw {out} --out STORE\n")
    document = json.loads(run(path, "--out", out, "--json")[1])
    assert document["files"] == [{"name": "a.nii.gz", "state": "there", "files": 0, "detail": None}]


def test_a_dataset_that_reads_from_another_says_so(run, recipe, server, tmp_path):
    """The build command has a place for the other source tree."""
    path = recipe(files(("a.nii.gz", server.put("a", b"image"), b"image", "")), root='root = "hepatic"')
    assert f"--raw {tmp_path} --root hepatic=DIR --out STORE\n" in run(path, "--out", tmp_path)[1]


def test_a_file_that_fails_is_status_1_with_the_page(run, recipe, server, tmp_path):
    """The reason stands under the table, the page below, and no build is proposed."""
    path = recipe(files(("a.nii.gz", server.put("a", b"image"), b"image", ""), ("b", f"{server.root}/b", None, "")))
    status, text, _ = run(path, "--out", tmp_path)
    assert status == 1
    assert f"b: {server.root}/b: the server answers 404 Not Found\n" in text
    assert text.endswith("1 of 2 failed; the page is https://example.org/tiny\n")
    assert json.loads(run(path, "--out", tmp_path, "--json")[1])["next"] is None


def test_a_dry_run_downloads_nothing_and_adds_up_sizes(run, recipe, server, tmp_path):
    """Sizes come from the recipe or the server; what neither knows is counted apart, and no folder is made."""
    entries = (
        ("a", server.put("a", b"x" * 1_400_000), b"", ""),
        ("b", f"{server.root}/b", None, "size_bytes = 2_000_000_000\nunpack = true"),
        ("c", f"{server.root}/c", None, ""),
    )
    path, out = recipe(files(*entries)), tmp_path / "raw"
    status, text, _ = run(path, "--out", out, "--dry-run")
    assert status == 0
    assert "a     missing  1.4 MB" in text
    assert "to download: 2.0 GB and 1 of unknown size\n" in text
    assert not out.exists()
    planned = json.loads(run(path, "--out", out, "--dry-run", "--json")[1])["files"]
    assert [one["size_bytes"] for one in planned] == [1_400_000, 2_000_000_000, None]
    assert {method for method, _, _ in server.requests} == {"HEAD"}


def test_a_gated_dataset_prints_the_way_to_it(run, recipe):
    """Page, licence with its conflict, and numbered steps; nothing was downloaded, which is status 1."""
    path = recipe(GATED, facts='licence_conflict = "the page says CC-BY-NC-4.0"')
    status, text, errors = run(path)
    assert (status, errors) == (1, "")
    assert text.splitlines() == [
        "tiny: its page asks for an account, or for terms to be accepted; nothing was downloaded",
        "page:     https://example.org/tiny",
        "licence:  CC-BY-4.0 (made by a test)",
        "          but: the page says CC-BY-NC-4.0",
        "          commercial use: unclear",
        "step 1:   Accept the terms.",
        "step 2:   Download tiny.zip.",
        f"then:     curate build {path} --raw DIR --out STORE",
    ]
    document = json.loads(run(path, "--out", "raw", "--json")[1])
    assert (document["access"], document["commercial"], len(document["steps"])) == ("account", "unclear", 2)


def test_a_recipe_that_does_not_say_how_names_its_homepage(run, recipe):
    """Without `[download]` there is the homepage, and status 1."""
    status, text, _ = run(recipe("", facts='homepage = "https://example.org/home"'))
    assert status == 1
    assert "the recipe does not say how it can be had" in text
    assert "page:     https://example.org/home\n" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["msd-livr", "--out", "x"], "curate: no recipes named `msd-livr`; did you mean `msd-liver`?"),
        (["RECIPE"], "curate: where shall tiny go? give --out DIR"),
        (["RECIPE", "--out", "/proc/nowhere"], "curate: /proc/nowhere/.fetch: cannot be used ("),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(run, recipe, server, arguments, message):
    """An unknown recipe, no folder and one that cannot be written are said before anything is asked for."""
    path = recipe(files(("a.nii.gz", server.put("a", b"image"), b"image", "")))
    status, text, errors = run(*(path if argument == "RECIPE" else argument for argument in arguments))
    assert (status, text, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(message)
    assert server.requests == []
