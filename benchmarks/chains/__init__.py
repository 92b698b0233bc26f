"""Plans of few vehicles with a proof: trips priced, bounds, choices, from the product's search."""
