"""How text is cut while a vocabulary is learned: ours, CroissantLLM's and Lucie's.

A scheme is one regular expression over text whose spaces are written ▁. It decides what may become a token and nothing
else: the finished tokenizer has no cut, so that all schemes give the same ids in tokenizers, transformers and llama.cpp
and give every text back. What the published ones do beside their cut is left out for these two reasons: CroissantLLM's
NFKC and Lucie's NFC (normalising belongs to curation; llama.cpp does neither), CroissantLLM's space in front of every
text, and Lucie's spaces behind opening signs (they would come back as part of the text).

References: CroissantLLM's fit_tokenizer.py (Metaspace, then single digits); Lucie's tokenizer (Metaspace, single
digits, runs of punctuation apart from words, line ends and tabs apart).
"""

from __future__ import annotations

SPACE = "▁"
_LETTERS = r"[\p{L}\p{M}]+"
_NO_BREAK = "[\u00a0\u202f]"

SCHEMES = {
    # A space belongs to the word or sign that follows it. An elided word is one piece of the split (l’homme,
    # aujourd'hui, qu’est-ce), so that l’ and ▁qu'il can be learned; French punctuation keeps the no-break space that
    # goes with it; digits stay single; line ends and runs of spaces stand apart.
    "fournil": "|".join(
        (
            rf"{SPACE}?{_LETTERS}(?:['’-]{_LETTERS})*['’]?",
            r"\p{N}",
            rf"(?:{SPACE}|{_NO_BREAK})?[^\s\p{{L}}\p{{M}}\p{{N}}{SPACE}]+{_NO_BREAK}?",
            r"\r?\n",
            rf"{SPACE}+",
            r"\s",
        )
    ),
    # Whatever stands between two spaces is one piece, line ends and punctuation included; each space begins one.
    "croissant": rf"\p{{N}}|{SPACE}?[^{SPACE}\p{{N}}]+|{SPACE}",
    # An apostrophe is punctuation: l’ is never one token.
    "lucie": "|".join(
        (
            rf"{SPACE}?[^\s\p{{P}}\p{{S}}\p{{N}}{SPACE}]+",
            r"\p{N}",
            rf"{SPACE}?(?:(?!{SPACE})[\p{{P}}\p{{S}}])+",  # the sign for a space is itself a symbol
            r"\r?\n",
            rf"{SPACE}+",
            r"\s",
        )
    ),
}
"""Name → the cut."""
