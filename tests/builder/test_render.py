"""From staged files to the published site, and what lies beside the programs that make it."""

import base64
import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from notebook_parts import code, notebook, shows, text

from book.builder.site import logo, publish, render

ROOT = Path(__file__).resolve().parents[2]

REPOSITORY = "https://github.com/somebody/fork"
STAMP = {"profile": "quick", "seconds": 41.3, "peak_mb": 512.4, "backend": None, "cores": 2, "figures": {}}
SOUND = base64.b64encode(b"a sound").decode()

# ---- Files -----------------------------------------------------------------------------------------------------------


def test_staging_again_touches_only_what_changed(tmp_path):
    publish.write_tree({"a.md": b"one", "sub/b.md": b"two", "old/c.md": b"three"}, tmp_path)
    before = (tmp_path / "a.md").stat().st_mtime_ns
    time.sleep(0.01)
    publish.write_tree({"a.md": b"one", "sub/b.md": b"2"}, tmp_path)
    assert (tmp_path / "a.md").stat().st_mtime_ns == before
    assert (tmp_path / "sub/b.md").read_bytes() == b"2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md", "sub"]


@pytest.mark.parametrize("killed_at", [0, 1])
def test_a_build_killed_while_publishing_leaves_the_old_site_whole(tmp_path, monkeypatch, killed_at):
    html_dir, rendered = tmp_path / "html", tmp_path / "rendered"
    for folder, words in ((html_dir, "old"), (rendered, "new")):
        folder.mkdir()
        (folder / "index.html").write_text(words)
    renames = []
    rename = Path.rename

    def killed(self, target):
        renames.append(target)
        if len(renames) > killed_at:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        publish.publish(rendered, html_dir, "key")
    monkeypatch.undo()
    publish.recover(html_dir)
    assert (html_dir / "index.html").read_text() == "old"
    publish.publish(rendered, html_dir, "key")
    assert (html_dir / "index.html").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["html", "rendered"]


@pytest.mark.parametrize(
    ("said", "makes_page"),
    [
        ("site/index.md:3: WARNING: 'myst' target not found\n", True),
        ("Traceback (most recent call last):\n", True),
        ("", False),
    ],
)
def test_trouble_with_exit_status_0_is_trouble(tmp_path, monkeypatch, said, makes_page):
    work = tmp_path / "work"
    (work / "_build" / "html").mkdir(parents=True)
    if makes_page:
        (work / "_build" / "html" / "index.html").write_text("")
    monkeypatch.setattr(render.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, stdout=said))
    with pytest.raises(render.RenderError, match=re.escape(said.strip()) or "index.md"):
        render.run_jupyter_book(tmp_path, tmp_path / "site", work, tmp_path / "render.log", ["index.md"])
    assert not work.exists(), "what was read with a warning would be passed over in silence next time"


# ---- The whole way ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A book of one chapter, already executed, with this book's configuration and extension."""
    root = tmp_path_factory.mktemp("project")
    book, executed = root / "book", root / "_build" / "executed"
    pages = book / "pages"
    for folder in (pages / "_static", executed):
        folder.mkdir(parents=True)
    (root / "_config.yml").write_text((ROOT / "_config.yml").read_text())
    for path in (ROOT / "book" / "pages" / "_static").iterdir():
        (pages / "_static" / path.name).write_bytes(path.read_bytes())
    (pages / "references.bib").write_text("")
    (pages / "index.md").write_text("# A book\n\n[One](../../notebooks/01_one.md)\n\n<!-- output: 01_one hear -->\n")
    shown = ["notebooks/01_one", "notebooks/02_two", "results", "status"]
    toc = {"format": "jb-book", "root": "index", "chapters": [{"file": page} for page in shown]}
    (book / "_toc.yml").write_text(json.dumps(toc))
    player = f'<figure class="dlm-player"><audio src="data:audio/mpeg;base64,{SOUND}"></audio></figure>'
    cells = [text("# One\n\nNext: [two](02_two.md). $x^2$"), code("hear()", shows(text_html=player), tags=["hear"])]
    (executed / "01_one.ipynb").write_text(json.dumps(notebook(*cells)))
    (executed / "01_one.json").write_text(json.dumps(STAMP))
    return root


def test_a_project_becomes_a_site_once_and_what_goes_wrong_later_leaves_it_there(project, monkeypatch, capsys):
    build = project / "_build"
    site = build / "html"
    render.render(project, build, ["01_one"], REPOSITORY)
    page = (site / "notebooks" / "01_one.html").read_text()
    sound = re.search(r'src="\.\./(_static/media/[^"]+)"', page)[1]
    assert (site / sound).read_bytes() == b"a sound"
    assert sound in (site / "index.html").read_text()
    assert f"{REPOSITORY}/edit/main/notebooks/01_one.md" in page
    assert f"{REPOSITORY.replace('https://github.com', 'https://colab.research.google.com/github')}/blob/main/" in page
    assert f"{REPOSITORY}/edit/main/book/pages/index.md" in (site / "index.html").read_text()
    assert (site / "_static" / "mathjax" / "tex-chtml.js").is_file()
    assert capsys.readouterr().out.count("\n") == 1

    with monkeypatch.context() as patched:
        patched.setattr(render.subprocess, "run", lambda *a, **k: pytest.fail("rendered again"))
        began = time.monotonic()
        render.render(project, build, ["01_one"], REPOSITORY)
        assert time.monotonic() - began < 1

    index = project / "book" / "pages" / "index.md"
    good = index.read_text()
    index.write_text(good + "\n[nowhere](missing.md)\n")
    with pytest.raises(render.RenderError, match=r"index\.md:\d+: WARNING.*missing\.md"):
        render.render(project, build, ["01_one"], REPOSITORY)
    assert "nowhere" not in (site / "index.html").read_text()
    index.write_text(good)
    with pytest.raises(render.RenderError, match="executes"):
        render.render(project, build, [], REPOSITORY)


# ---- What lies beside the programs -----------------------------------------------------------------------------------


def test_the_logo_is_what_its_program_draws():
    drawn = {name: (ROOT / "book" / "pages" / "_static" / name).read_text(encoding="utf-8") for name in logo.drawings()}
    assert drawn == logo.drawings(), "run `python -m book.builder.site.logo`"


def test_every_reference_is_complete():
    entries = re.split(r"(?m)^@", (ROOT / "book" / "pages" / "references.bib").read_text(encoding="utf-8"))[1:]
    keys = [re.match(r"\w+\{(\w+),", entry)[1] for entry in entries]
    assert len(keys) == len(set(keys)) > 0
    # Printed before there were DOIs, or in places that give none.
    without = {"oshaughnessy1987", "lipshitz1992", "slaney1998", "maaten2008", "srivastava2014"}
    for key, entry in zip(keys, entries, strict=True):
        for field in ("author", "title", "year"):
            assert re.search(rf"\b{field}\s*=\s*\{{.+\}}", entry), f"{key} lacks {field}"
        assert key in without or re.search(r"doi\s*=\s*\{10\.\d{4,9}/\S+\}", entry), f"{key} lacks its DOI"


def test_the_repository_address_is_written_once():
    address = re.compile(r"github\.com/deep-learning-for-music")
    texts = [
        path for path in (ROOT / "book").rglob("*") if path.suffix in {".md", ".py", ".yml", ".css", ".js", ".bib"}
    ]
    assert [path.name for path in texts if address.search(path.read_text(encoding="utf-8"))] == []
    assert len(address.findall((ROOT / "_config.yml").read_text(encoding="utf-8"))) == 1
