"""Journeys and what came of them, as pictures and text."""

from journeyflow.reporting.graph import dot, mermaid

__all__ = ["dot", "mermaid"]
