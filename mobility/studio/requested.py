"""What a request of the page says, or its refusal."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from mobility.base.errors import MobilityError


async def asked_of(request: Request) -> dict[str, Any]:
    """Return what the page asks, as it was sent."""
    try:
        asked = await request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise MobilityError("The request cannot be read.", mend="Load the page again.")
    return asked


def whole(value: Any) -> int:
    """Return a whole number that the page sends."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise MobilityError("The request cannot be read.", mend="Load the page again.") from None


__all__ = ["asked_of", "whole"]
