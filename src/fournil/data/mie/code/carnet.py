"""Un carnet d’adresses tenu dans un fichier CSV."""

import csv
from dataclasses import astuple, dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Fiche:
    """Une personne et l’endroit où elle habite."""

    nom: str
    prénom: str
    ville: str


def lire(chemin: Path) -> list[Fiche]:
    """Lit toutes les fiches, dans l’ordre du fichier."""
    if not chemin.exists():
        return []  # un carnet neuf est simplement vide
    with chemin.open(encoding="utf-8", newline="") as fichier:
        return [Fiche(*ligne) for ligne in csv.reader(fichier)]


def écrire(chemin: Path, fiches: list[Fiche]) -> None:
    """Range les fiches par ordre alphabétique, sans doublon."""
    with chemin.open("w", encoding="utf-8", newline="") as fichier:
        csv.writer(fichier).writerows(astuple(fiche) for fiche in sorted(set(fiches)))
