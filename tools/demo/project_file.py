"""The demo's territory file, commented in French as a model to copy."""

from __future__ import annotations

from pathlib import Path

from demo import plan
from demo.basin import Basin
from demo.geometry import lonlat

_HEAD = """\
# Fichier de territoire de la démonstration. Le bassin de Valbrune est FICTIF : ni la ville,
# ni les entreprises, ni les lignes n'existent. Les chemins partent du dossier de ce fichier.
# Ce fichier est écrit par tools/make_demo.py ; copiez-le pour votre propre territoire.

name = "Bassin de Valbrune (fictif)"
timezone = "Europe/Paris"

# --- Sources ---------------------------------------------------------------------------
[sources]
osm = "osm/valbrune.osm.pbf"                    # rues : extrait OpenStreetMap
streets_attribution = "rues fictives"           # par défaut : © OpenStreetMap contributors
streets_licence = "MIT"                         # par défaut : ODbL 1.0
gtfs = ["gtfs/valbrune-bus.zip", "gtfs/valbrune-train.zip"]   # horaires : un ou plusieurs GTFS

[sources.homes]
file = "homes.csv"          # lieu de vie des actifs, un carreau de 200 m par ligne
kind = "cells"
cell_m = 200
id = "id"
name = "name"               # quartier ou hameau
commune = "commune"
workers = "workers"         # nombre d'actifs du carreau
groups = ["without_car", "job_seekers"]   # ménages sans voiture, demandeurs d'emploi
personal = false            # effectifs publiés, non des personnes : rien à protéger

# --- Jours étudiés ---------------------------------------------------------------------
# Quatre sortes de jours ; la date la plus typique de chacune est choisie dans les calendriers
# des GTFS. Pour en imposer une : [days.dates] puis  saturday = 2026-11-21
[days]
kinds = ["school_weekday", "holiday_weekday", "saturday", "sunday"]
country = "FR"              # jours fériés français
school_zone = "B"           # vacances scolaires de la zone B

# --- Ce qu'un salarié accepte -------------------------------------------------------------
[limits]
max_total_min = 60          # de la porte à la prise de poste, attentes comprises
max_walk_min = 20           # marche, en tout
max_transfers = 2           # correspondances
max_wait_min = 30           # une attente, au plus
margin_in_min = 10          # de l'entrée du site au poste (vestiaire, passage de consignes)
margin_out_min = 10         # du poste à la sortie du site
white_site_share = 0.10     # sous 10 % du bassin, le site est « blanc » sur ce poste
min_workers_shown = 5       # salariés au moins par zone, si un fichier de salariés est lu

[modes]
evaluated = ["transit", "walk", "bike", "car"]
cycling_counts = false      # le vélo ne suffit pas à sortir d'une zone blanche

[output]
dir = "../mobility-demo"
language = "fr"

# --- Navettes ---------------------------------------------------------------------------
# Réglages de la recherche, allégés pour que la démonstration reste courte ; docs/shuttles.md
# donne la liste et les valeurs par défaut.
[shuttles]
iterations = 30
plans = 4
max_stops = 14
max_lines = 6
max_hubs = 1
depot = [-0.633, 47.121]    # dépôt des véhicules, en ville

# --- Sites, entrées et postes -------------------------------------------------------------
# Un site a une ou plusieurs entrées [longitude, latitude] et un ou plusieurs régimes de travail :
# un modèle (3x8, 2x8, 5x8, night, vsd, day, office) ou la liste de ses postes.
"""


def write_project(basin: Basin, path: Path) -> None:
    """Write ``demo.toml``."""
    parts = [_HEAD]
    for plant, gate in zip(plan.PLANTS, basin.gates, strict=True):
        lon, lat = lonlat(basin.net.xy[gate])
        rosters = ",\n    ".join(plant.rosters)
        parts.append(
            f'[[sites]]\nname = "{plant.name}"\nemployer = "{plant.employer}"\n'
            f"gates = [[{lon:.6f}, {lat:.6f}]]\nrosters = [\n    {rosters},\n]\n"
        )
    path.write_text("\n".join(parts), encoding="utf-8")
