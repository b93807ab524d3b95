"""Nasty texts, and what both sides say of them."""

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import utf8_bytes

_SPACES = "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000"
_LOREM = "Lorem ipsum dolor sit amet."


def batch_of(texts: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes, bounds and places, as the rules take them."""
    return *utf8_bytes(pa.array(texts, pa.large_string())), np.arange(len(texts))


NASTY = [
    "",
    " ",
    "\n",
    "\n\n\n",
    _SPACES,
    "a",
    "…",
    "...",
    "....",
    "......",
    "#",
    "\x00",
    "\x00\x01 \x02",
    "Une phrase.",
    "Un. Deux. Trois. Quatre. Cinq. Six.",
    "l’homme d’État qu'il n'aime pas aujourd’hui. " * 20,
    "mot " * 100,
    "un deux trois quatre cinq six sept huit neuf dix onze douze " * 8,
    "\n".join(["la même ligne, toujours la même."] * 20),
    "\n\n".join(["le même paragraphe.\nSur deux lignes."] * 8),
    "\n\n".join(f"paragraphe {number}.\n\n\nautre {number // 3}." for number in range(30)),
    "\r\n".join(f"ligne {number} de ce texte." for number in range(40)),
    "\x85".join(f"ligne {number} de ce texte." for number in range(40)),
    "\u2028".join(f"ligne {number} de ce texte." for number in range(40)),
    "\x0b".join(f"- puce {number}" for number in range(60)),
    "\n".join(f"\u2022 puce {number}\u2026" for number in range(60)),
    "\n".join(f"\u00a0- puce {number} ...\u3000" for number in range(60)),
    "# titre #\n" * 30 + "mot de la fin. " * 30,
    " ".join(f"{number}" for number in range(300)),
    " ".join("abcdefghijklmnop" + chr(97 + number % 26) for number in range(200)),
    "x" * 3000,
    ("é" * 1001) + " trop long mot ici.\nEt une ligne de plus.",
    ("é" * 1000) + " pas trop long ici.\nEt une ligne de plus.",
    "the be to of and that have with " * 10,
    "The Be To Of And That Have With " * 10,
    f"{_LOREM}\n{_LOREM.upper()}",
    "Activez JAVASCRIPT pour voir ceci.\nUne ligne de texte ordinaire ici.",
    "This site uses coo\u212aies, you know.\nA line of ordinary text here.",
    "Use Cook\u0130es, you know that.\nA line of ordinary text here.",
    "function() { return 1; } is some code.\nA line.",
    "Paris[1] est là[ 2].[3]\nLyon[edit] aussi[citation needed].\n[12][] Lille[\u0661\u0662] aussi.\n[edit ]x y.",
    "[1] [2] [3]\n[edit] [edit] [edit].\n" * 3,
    "« Ah ! » dit-elle. « Oui ? »\n— Non, jamais !\n— Et M. Dupont ?\n" * 10,
    'Il dit "oui".\nElle dit "non"...\nIl dit \'peut-être\'.\n' * 5,
    "\n".join(f"ligne courte {number}" for number in range(100)),
    "\n".join(f"{number} " + "une ligne assez longue pour ne pas être courte." for number in range(50)),
    "\n".join(f"{number} " + "une ligne assez longue pour ne pas être courte." for number in range(50)) + " ",
    "\u3000\n".join(f"{number} 一行足够长的文字用来测试规则是否相同。" for number in range(50)),
    "مرحبا بالعالم؟ هذا نص قصير۔ " * 12,
    "e\u0301te\u0301 " * 60,
    "\U0001f600 " * 80 + "\U00020000\U0001e900 " * 20,
    "a b " * 200 + "ab " * 200,
    "ab c a bc abc " * 40,
    ".".join("abc" * 3 for _ in range(50)),
    "3,14 1.000,50 12,5% 1 234,56 v1.2.3 a.b c,d " * 12,
    "peut-être porte-monnaie -fin debut- a--b l''x 'x' " * 12,
    "\ufeffbom au début. " * 20,
    "Fin sans point " * 40 + "\n\n",
    "\n\n" + "Début avec lignes vides. " * 40,
]
