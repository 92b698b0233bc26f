"""From answers to Folium pages."""
