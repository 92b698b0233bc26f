"""A first study: open data fetched, a territory file written."""
