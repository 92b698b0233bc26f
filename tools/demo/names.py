"""Street names in the French manner, unique within a commune."""

from __future__ import annotations

import random
from collections.abc import Callable

_THINGS = (
    "des Tilleuls", "du Lavoir", "des Abeilles", "de la Fontaine", "des Vignes", "du Vieux-Four",
    "des Charmilles", "des Mésanges", "du Verger", "de la Forge", "des Lilas", "du Puits-Salé",
    "de l'Ormeau", "des Noisetiers", "des Drapiers", "du Colombier", "des Saules", "de la Cure",
    "du Pré-Long", "des Quatre-Saisons", "des Hirondelles", "de la Grange", "du Clos-Rond",
    "des Bruyères", "des Cordiers", "du Four-à-Chaux", "de la Croix-Verte", "des Alouettes",
    "du Gué", "des Prunelliers", "des Tisserands", "de la Garenne", "du Moulin-à-Vent",
    "des Aubépines", "des Potiers", "de la Treille", "du Petit-Bois", "des Châtaigniers",
    "des Églantiers", "du Champ-de-Foire", "des Primevères", "de la Rivière", "des Sabotiers",
    "du Haut-Pré", "des Merisiers", "des Coquelicots", "de la Plaine", "du Bas-Chemin",
    "des Jonquilles", "des Ardoisiers", "de l'Étang", "du Pigeonnier", "des Fauvettes",
    "des Glycines", "de la Levée", "du Ruisseau", "des Acacias", "des Vanniers", "de la Motte",
    "du Chêne-Creux", "des Sorbiers", "des Bleuets", "du Pressoir", "de la Métairie",
)  # fmt: skip
_STREETS = ("Rue", "Rue", "Rue", "Allée", "Avenue", "Passage")
_DEAD_ENDS = ("Impasse", "Allée", "Square", "Cour")
_RURAL = ("Chemin", "Route", "Voie")


def street_namer(rng: random.Random) -> Callable[..., str]:
    """Return a function that gives a name not yet used in a commune."""
    used: set[tuple[str, str]] = set()

    def name(commune: str, *, dead: bool, rural: bool) -> str:
        kinds = _RURAL if rural else _DEAD_ENDS if dead else _STREETS
        for _ in range(60):
            kind = kinds[int(rng.random() * len(kinds))]
            text = f"{kind} {_THINGS[int(rng.random() * len(_THINGS))]}"
            if (commune, text) not in used:
                used.add((commune, text))
                return text
        return ""

    return name
