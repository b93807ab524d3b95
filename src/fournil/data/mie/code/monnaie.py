"""Rend la monnaie avec le moins de pièces possible."""

PIÈCES = (200, 100, 50, 20, 10, 5, 2, 1)  # en centimes


def rendre(centimes: int) -> dict[int, int]:
    """Renvoie, pour chaque pièce utile, le nombre à donner.

    Avec les pièces en euros, prendre toujours la plus grosse suffit ;
    ce ne serait pas vrai de n’importe quelle monnaie.
    """
    if centimes < 0:
        raise ValueError("la somme versée est trop petite")
    rendu = {}
    for pièce in PIÈCES:
        nombre, centimes = divmod(centimes, pièce)
        if nombre:
            rendu[pièce] = nombre
    return rendu


def afficher(rendu: dict[int, int]) -> str:
    """Écrit le rendu comme sur un ticket de caisse."""
    return ", ".join(f"{nombre} × {pièce / 100:.2f} €" for pièce, nombre in rendu.items())
