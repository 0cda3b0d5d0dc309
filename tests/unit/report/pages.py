"""What must hold of every page, however it was made."""

import re
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})
LOADING = frozenset(
    {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "source", "base"}
)


class Checked(HTMLParser):
    """Parses a page; `problems` are tags that do not balance and whatever would load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.problems: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.words: list[str] = []
        self.unnamed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in LOADING:
            self.problems.append(f"{tag} loads something")
        given = dict(attrs)
        if len(given) != len(attrs):
            self.problems.append(f"{tag} has an attribute twice")
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "srcset", "data", "action"):
                self.problems.append(f"{tag} has {name}")
            if name == "href" and not (value or "").startswith("#"):
                self.problems.append(f"{tag} links to {value}")
            elif name == "href":
                self.targets.append((value or "")[1:])
            if name == "style" and "url(" in (value or ""):
                self.problems.append(f"{tag} loads by its style")
            if name == "id":
                self.ids.append(value or "")
            self.words.append(value or "")
        if tag == "svg" and not given.get("aria-label"):
            self.unnamed += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> inside {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def check(page: str) -> Checked:
    """Parse a page that must be well-formed and load nothing."""
    found = Checked()
    found.feed(page)
    found.close()
    assert found.problems == []
    assert found.open == []
    assert found.unnamed == 0, "a picture without a name for those who cannot see it"
    assert len(found.ids) == len(set(found.ids))
    assert set(found.targets) <= set(found.ids)
    assert not re.search(r"@import|url\(", page)
    assert "nan" not in re.findall(r'(?:d|x|y|width|height)="([^"]*)"', page)
    assert not re.search(r'd="[^"]*(?:nan|inf)', page)
    return found


def shown(page: str) -> str:
    """Everything that a reader can find in a page, attributes included."""
    return "\n".join(check(page).words)
