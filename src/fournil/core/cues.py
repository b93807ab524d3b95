"""Words by which a language announces personal data: labels of forms, and the sentences that stand for them.

All in lower case, the apostrophe written as U+0027; a space stands for any white space.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cues:
    """What stands before personal data in one language."""

    phone: tuple[str, ...] = ()
    """Words that announce a telephone number."""

    phone_perhaps: tuple[str, ...] = ()
    """Words that announce a telephone number that is grouped like one, and many other things."""

    own_number: tuple[str, ...] = ()
    """Phrases that announce somebody's number, which is a telephone number when nothing else is said."""

    birth: tuple[str, ...] = ()
    """Words after which a date is a date of birth."""

    birth_labels: tuple[str, ...] = ()
    """Labels of forms for a date of birth; a date may stand before them too."""

    not_persons: tuple[str, ...] = ()
    """What is born without being a person: animals, firms, works."""

    months: tuple[tuple[str, ...], ...] = ()
    """Names and short forms of each month."""

    address: tuple[str, ...] = ()
    """Labels and words of residence after which an address stands."""

    streets: tuple[str, ...] = ()
    """Kinds of street and other words by which the first line of an address is known."""

    boxes: tuple[str, ...] = ()
    """Words for a post office box or the like, which a number follows."""

    buildings: tuple[str, ...] = ()
    """Words for a building, flat or floor."""

    password: tuple[str, ...] = ()
    """Words that announce a password."""

    secret: tuple[str, ...] = ()
    """Words that announce a key of a programming interface or a token."""

    company: tuple[str, ...] = ()
    """Words that announce a company's national number."""

    number_words: tuple[tuple[str, int], ...] = ()
    """Numbers as they are said, from zero to a hundred."""
