"""A shelf that keeps only the books read most recently."""

from collections import OrderedDict


class Shelf:
    """Remembers a few books and forgets the dusty ones."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._books: OrderedDict[str, str] = OrderedDict()

    def read(self, title: str) -> str | None:
        """Return the text, and move the book to the near end of the shelf."""
        if title in self._books:
            self._books.move_to_end(title)
        return self._books.get(title)

    def add(self, title: str, text: str) -> None:
        """Put a book within reach, dropping another when there is no room."""
        self._books[title] = text
        self._books.move_to_end(title)
        while len(self._books) > self.room:
            self._books.popitem(last=False)  # the one nobody has opened for longest

    def __len__(self) -> int:
        return len(self._books)
