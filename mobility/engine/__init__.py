"""From arrays to times: scan kernels, journeys, itineraries."""
