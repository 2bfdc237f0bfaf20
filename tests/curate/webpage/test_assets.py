import json

from curate.webpage import assets

HOSTILE = "</script><script>document.title='owned'</script>\u202egnp.exe <!-- & ]]>"


def test_embedded_json_is_the_same_data():
    """What is escaped for the page reads back as it was, and holds no character that HTML gives a meaning to."""
    text = assets.to_json({"name": HOSTILE})
    assert json.loads(text) == {"name": HOSTILE}
    assert not set(text) & set("<>&")


def test_what_has_no_glyph_is_spelled_out():
    """A mark that turns the direction is named; line breaks, letters of any script and signs stay as they are."""
    assert assets.visible("a\u202eb\x00") == "a[U+202E]b[U+0000]"
    assert assets.visible("肝 2 µm\n") == "肝 2 µm\n"


def test_templates_escape_and_find_the_head(tmp_path):
    """A template of any folder has the head of all pages, and markup in what it prints is text."""
    (tmp_path / "own.j2").write_text('{% from "head.html.j2" import head %}{{ head(name, "p", "b > i {}") }}')
    text = assets.environment(tmp_path).get_template("own.j2").render(name="<i>\u202e")
    assert "<title>&lt;i&gt;[U+202E]</title>" in text
    assert "<style>b > i {}</style>" in text
