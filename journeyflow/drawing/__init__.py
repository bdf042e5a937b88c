"""Pictures as static SVG: how wide words are, where boxes and arrows go, and in which colors. No script, no font."""
