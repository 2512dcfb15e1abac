"""The manual for operators, of docs/admin.md and its Korean twin, as the admin shows it."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt


@dataclass(frozen=True)
class Manual:
    """The manual as HTML, and the anchor and title of each of its jobs."""

    jobs: list[tuple[str, str]]
    html: SafeString


@cache
def manual(*, language: str) -> Manual:
    """The manual in one of LANGUAGES; its file is read once in a process."""
    folder = settings.MANUALS[language]
    # What comes before the first job tells readers of the repository where else to look.
    _lead, heading, jobs = (folder / "admin.md").read_text(encoding="utf-8").partition("\n## ")
    parser = MarkdownIt("commonmark", {"html": False})
    tokens = parser.parse(heading + jobs)
    titles: list[tuple[str, str]] = []
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following:
            token.attrSet("id", f"job-{len(titles) + 1}")
            titles.append((f"job-{len(titles) + 1}", following.content))
        for image in (child for child in token.children or [] if child.type == "image"):
            image.attrSet("src", static(f"{language}/{image.attrGet('src')}"))
    html = parser.renderer.render(tokens, parser.options, {})
    return Manual(titles, mark_safe(html))  # noqa: S308 - our own, no HTML # nosec B308 B703
