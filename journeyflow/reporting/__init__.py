"""Journeys and what came of them, as pictures and text."""

from journeyflow.reporting.export import export_tables
from journeyflow.reporting.graph import dot, mermaid

__all__ = ["dot", "export_tables", "mermaid"]
