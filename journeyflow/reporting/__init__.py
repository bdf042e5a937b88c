"""Journeys as diagrams, and what came of them as files."""

from journeyflow.definition.drawings import StepCounts, svg
from journeyflow.definition.pictures import dot, mermaid
from journeyflow.reporting.export import export_tables

__all__ = ["StepCounts", "dot", "export_tables", "mermaid", "svg"]
