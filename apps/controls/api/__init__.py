"""Controls over REST: the same verbs as the pages."""

from apps.controls.api.coverage import Catalogue, Coverage, CoverageExport, Facts, Inventory, Judgements
from apps.controls.api.keeping import Disposals, Frameworks, HoldRelease, Holds, Publication, Retention

__all__ = [
    "Catalogue",
    "Coverage",
    "CoverageExport",
    "Disposals",
    "Facts",
    "Frameworks",
    "HoldRelease",
    "Holds",
    "Inventory",
    "Judgements",
    "Publication",
    "Retention",
]
