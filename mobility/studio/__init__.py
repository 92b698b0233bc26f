"""The studio: the main job in a browser, and the effect of a change while the hand moves."""
