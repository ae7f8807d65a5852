"""The text in HTML that others wrote, for a line of plain text."""

from html.parser import HTMLParser

_UNSEEN = frozenset({"script", "style", "head", "title"})
_INLINE = frozenset({"a", "b", "i", "u", "s", "em", "strong", "span", "font", "code", "sub", "sup"})


class _Text(HTMLParser):
    """Collects what a reader sees; goes through any nesting without recursion."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag not in _INLINE:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag not in _INLINE:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def html_text(html: str) -> str:
    """What is read of a piece of HTML, blocks with a space between; it is not made safe."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts)
