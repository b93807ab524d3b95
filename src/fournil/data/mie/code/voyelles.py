"""Compte les voyelles d’une phrase, accents compris."""

import unicodedata
from collections import Counter


def sans_accents(texte: str) -> str:
    """Rend « été » en « ete »."""
    décomposé = unicodedata.normalize("NFD", texte)
    return "".join(lettre for lettre in décomposé if not unicodedata.combining(lettre))


def compter_voyelles(texte: str) -> Counter[str]:
    """Renvoie le nombre de chaque voyelle."""
    # La ligature œ compte pour deux lettres, comme dans un dictionnaire.
    simple = sans_accents(texte.lower()).replace("œ", "oe").replace("æ", "ae")
    return Counter(lettre for lettre in simple if lettre in "aeiouy")


if __name__ == "__main__":
    for voyelle, combien in compter_voyelles("Une sœur âgée rêve à l’été").most_common():
        print(voyelle, "■" * combien)
