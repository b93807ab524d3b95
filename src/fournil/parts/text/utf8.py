"""Whether a string is text: Python reads bytes that are none as halves of characters."""


def is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
