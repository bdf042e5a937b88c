"""Journeys as diagrams and pictures, and their results as files and as pages of HTML."""

from journeyflow.basics.html_tables import PlainTable
from journeyflow.definition.drawings import StepCounts, svg
from journeyflow.definition.pictures import dot, mermaid
from journeyflow.drawing.charts import Diagram
from journeyflow.reporting.export import export_tables
from journeyflow.reporting.html import ReportPage, Section, Tiles
from journeyflow.reporting.pages import definition_page

__all__ = [
    "Diagram",
    "PlainTable",
    "ReportPage",
    "Section",
    "StepCounts",
    "Tiles",
    "definition_page",
    "dot",
    "export_tables",
    "mermaid",
    "svg",
]
