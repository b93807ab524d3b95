"""Words as parts/text/scan.py defines them, found one character at a time."""


def slow_words(text: str, *, elides: bool) -> list[str]:
    """Words in reading order, each with the apostrophe that ends it where it elides."""

    def inside(place: int) -> bool:
        return 0 <= place < len(text) and (text[place].isalpha() or text[place].isnumeric())

    words, current = [], ""
    for place, character in enumerate(text):
        if inside(place):
            current += character
        elif character in "'’ʼ-‐‑" and inside(place - 1) and inside(place + 1):
            current += character
            if elides and character in "'’ʼ":
                words.append(current)
                current = ""
        elif current:
            words.append(current)
            current = ""
    return words + ([current] if current else [])
