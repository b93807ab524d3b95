"""Petites statistiques sur une suite de mesures."""

from collections.abc import Sequence


def moyenne(valeurs: Sequence[float]) -> float:
    """Renvoie la moyenne ; une suite vide n’en a pas."""
    if not valeurs:
        raise ValueError("aucune valeur")
    return sum(valeurs) / len(valeurs)


def médiane(valeurs: Sequence[float]) -> float:
    """Renvoie la valeur qui a autant de voisines au-dessus qu’au-dessous."""
    triées = sorted(valeurs)
    milieu = len(triées) // 2
    if len(triées) % 2:
        return triées[milieu]
    # Nombre pair : on prend le point entre les deux valeurs centrales.
    return (triées[milieu - 1] + triées[milieu]) / 2
