"""Journeys as diagrams, and what came of them as files."""

from journeyflow.definition.pictures import dot, mermaid
from journeyflow.reporting.export import export_tables

__all__ = ["dot", "export_tables", "mermaid"]
