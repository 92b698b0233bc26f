"""From answers to lines: demand, stops, routes, blocks, costs, GTFS."""
