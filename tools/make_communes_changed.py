"""Write the table of communes that were merged or renumbered, old code and code of today.

Source: INSEE, Code officiel géographique (Licence Ouverte 2.0), in the npm package
``@etalab/decoupage-administratif`` (MIT), whose ``communes.json`` lists former codes.

    npm pack @etalab/decoupage-administratif && tar xzf etalab-*.tgz
    python tools/make_communes_changed.py package/data/communes.json
"""

import json
import sys
from pathlib import Path

TABLE = Path(__file__).parents[1] / "mobility" / "sources" / "homes" / "communes_changed.csv"


def main(source: Path) -> None:
    """Write `TABLE`, sorted by former code."""
    communes = json.loads(source.read_text(encoding="utf-8"))
    pairs = sorted((old, row["code"]) for row in communes for old in row.get("anciensCodes", ()))
    lines = ["COM_AV,COM_AP", *(f"{old},{new}" for old, new in pairs)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
