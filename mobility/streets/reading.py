"""What a user should know of how the file of the streets was read."""

from __future__ import annotations

from mobility.base.errors import Finding
from mobility.sources.osm.ways import OTHER_WAYS
from mobility.streets.graph import Streets

# Extracts lack some nodes at their edge; beyond this share of the streets it is no edge: an
# assumption.
_USUAL_SHARE = 0.02


def reading_findings(streets: Streets) -> list[Finding]:
    """Return what of the file was left out, counted once, or not known for certain."""
    ledger = streets.ledger
    lost, twice = (
        ledger.left_out.get(OTHER_WAYS[k], 0) for k in ("without_nodes", "written_twice")
    )
    cut, missing, partly, untold = (
        ledger.remarks.get(k, 0)
        for k in ("cut", "nodes_missing", "partly_closed", "contraflow_untold")
    )
    found = []
    if cut or (lost and missing):
        total = ledger.used + lost
        found.append(
            Finding(
                "warning" if cut + lost > _USUAL_SHARE * total else "info",
                "street_nodes_missing",
                "{count} of {total} street ways have nodes that the file does not hold ({nodes} "
                "nodes), as at the edge of an extract: {cut} are kept where their nodes are, "
                "{lost} are left out.",
                count=cut + lost,
                params={"total": total, "nodes": missing, "cut": cut, "lost": lost},
            )
        )
    if twice:
        found.append(
            Finding(
                "info",
                "streets_written_twice",
                "{count} street ways stand in the file once more: each counts once.",
                count=twice,
            )
        )
    if partly:
        found.append(
            Finding(
                "warning",
                "streets_partly_closed",
                "{count} streets are several ways in one, of which some are closed; which part is "
                "not known, so they are taken as open. The .osm.pbf file tells.",
                count=partly,
            )
        )
    if untold:
        found.append(
            Finding(
                "info",
                "contraflow_untold",
                "{count} one-way streets are one-way for cyclists too: the graph has no "
                "oneway:bicycle. OSMnx keeps it where its useful_tags_way names it; the .osm.pbf "
                "file tells.",
                count=untold,
            )
        )
    return found
