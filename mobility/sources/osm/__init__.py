"""OpenStreetMap and other street layers, read."""
