"""What the checks encode and continue: lines that have set tokenizers apart before."""

from __future__ import annotations

NASTY_LINES = (
    " ",
    "  deux  espaces   trois ",
    " une espace devant",
    "L’été, aujourd'hui, qu’est-ce que c’est ?",
    "«\u00a0Bonjour\u202f! Ça va\u202f?\u00a0» — 12\u202f345,67\u00a0€",
    "fine\u2009space, zero\u200bwidth, bom\ufeff",
    "😀 👩\u200d👩\u200d👧 \U0001f1eb\U0001f1f7 漢字 Ελληνικά עברית",
    "L\u2019e\u0301le\u0300ve nai\u0308f de\u0301c\u0327u",
    "a" * 2000,
    "é" * 300 + " " * 300 + "-" * 300,
    "abababababab" * 20 + "aaabaaabaaab",
    "<unk><s></s><pad><|im_start|>user\n<|im_end|><|fr|><|en|><0x0A>",
    "Windows\r\nUnix\nMac\r\n\n\n\n",
    "\tif (x) {\r\n\t\treturn  x;\t}",
    "        return 3.14159  # 2024-12-31 ١٢٣ ½ ²",
    "trailing \n leading\n ",
    "https://example.org/a?b=c&d=%C3%A9#x_y-z",
    "ﬁn, œuvre, ŒUVRE, ÀÉÎÕÜ, ß, İ, ſ",
)
"""U+2581, the sign for a space inside the vocabulary, is not among them: no scheme of this kind gives it back."""

PROMPTS = {
    "fr": ("Le fichier", "Dans la vallée,", "Il était une fois", "Une erreur"),
    "en": ("The file", "In the valley,", "Once upon a time", "An error"),
}
"""Beginnings to continue, by language."""

OTHER_PROMPTS = ("1, 2, 3,", "A B C")


def prompts_of(languages: tuple[str, ...]) -> list[str]:
    """Prompts for the languages of a run."""
    return [prompt for language in languages for prompt in PROMPTS.get(language, ())] or list(OTHER_PROMPTS)
