"""A reader of HTML pages, for tests of what pages say."""

from html.parser import HTMLParser


class Reader(HTMLParser):
    """The elements and the text of a page; an element that is not closed is a fault."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, page):
        """Read a whole page."""
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note an element without content."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """Close the last element."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Note text, but for style sheets."""
        if "style" not in self.open:
            self.words.append(data)

    @property
    def said(self):
        """All text in one line."""
        return " ".join(" ".join(self.words).split())
