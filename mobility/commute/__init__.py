"""From times to answers: commutes, white zones, indicators."""
