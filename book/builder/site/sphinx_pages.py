"""Sphinx extension of this book: what configuration cannot say about a page.

Above all the buttons at its top, with addresses that are right for where its source lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
GENERATED = {"results", "status"}
WITH_ANOTHER_NAME = {"data/index": "data/README.md", "api/index": "musiclib/__init__.py"}


def source_path(pagename: str) -> str:
    """Where the source of a page lies in the repository: beside the chapters, in `data`, `musiclib` or `book/pages`."""
    folder, _, name = pagename.rpartition("/")
    if pagename in WITH_ANOTHER_NAME:
        return WITH_ANOTHER_NAME[pagename]
    if folder == "api":
        return f"musiclib/{name}/__init__.py" if (REPOSITORY / "musiclib" / name).is_dir() else f"musiclib/{name}.py"
    return f"{pagename}.md" if folder in {"notebooks", "data"} else f"book/pages/{pagename}.md"


def finish_page(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    options = app.config.html_theme_options
    repository, branch = options["repository_url"].rstrip("/"), options["repository_branch"]
    buttons = []
    if pagename.startswith("notebooks/"):
        buttons += [
            {**button, "text": "Run on Colab", "tooltip": "Open this chapter on Google Colab", "label": "colab"}
            for group in context["header_buttons"]
            for button in group.get("buttons", [])
            if button.get("text") == "Colab"
        ]
    source = [
        button
        for group in context["header_buttons"]
        for button in group.get("buttons", [])
        if "source-" in button.get("label", "")
    ]
    for button in source:
        if button["label"] == "source-edit-button":
            button["url"] = f"{repository}/edit/{branch}/{source_path(pagename)}"
    source = [
        button
        for button in source
        if (doctree is not None and pagename not in GENERATED) or button["label"] != "source-edit-button"
    ]
    if source:
        buttons.append(
            {
                "type": "group",
                "tooltip": "Source of this page",
                "icon": "fab fa-github",
                "buttons": source,
                "label": "source-buttons",
            }
        )
    context["header_buttons"] = buttons
    # myst-nb gives every collapsed cell the same spoken name; without it, a screen reader says what is written there.
    context["body"] = context.get("body", "").replace(' aria-label="Toggle hidden content"', "")


def setup(app: Any) -> dict[str, Any]:
    # Jupyter Book always sets this one, for an extension that is not loaded; an unknown name would be a warning.
    app.add_config_value("comments_config", {}, "html")
    # After the theme has made its own list (priority 501).
    app.connect("html-page-context", finish_page, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
