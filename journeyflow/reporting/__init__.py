"""Journeys as diagrams and pictures, and what came of them as files and as pages of HTML."""

from journeyflow.definition.drawings import StepCounts, svg
from journeyflow.definition.pictures import dot, mermaid
from journeyflow.reporting.export import export_tables
from journeyflow.reporting.pages import report

__all__ = ["StepCounts", "dot", "export_tables", "mermaid", "report", "svg"]
