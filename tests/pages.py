"""What a page holds, as tests read it."""

from html.parser import HTMLParser

VOID = {"br", "img", "input", "meta", "wbr"}


class Page(HTMLParser):
    """Every element with its attributes, and the text within; checks that all are closed."""

    def __init__(self, content):
        super().__init__()
        self.elements, self._open, self._text = [], [], []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), tag
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for entry in self._open:
            entry[2] += data

    def all(self, tag, **attributes):
        """Return attributes and text of each such element."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            (found, text)
            for name, found, text in self.elements
            if name == tag and wanted.items() <= found.items()
        ]

    def texts(self, tag, **attributes):
        return [text for _, text in self.all(tag, **attributes)]
