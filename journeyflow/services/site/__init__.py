"""The site: pages of HTML to look at journeys, customers and messages in a browser; they change nothing."""

from journeyflow.services.site.layout import HEADERS
from journeyflow.services.site.service import PageService, page_of_fault

__all__ = ["HEADERS", "PageService", "page_of_fault"]
