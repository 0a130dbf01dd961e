"""Networks in formats that other programs run, each checked against torch as it is written."""

from unshrink.export.network import EXPORTED_FORMATS, Exported, export_network

__all__ = ["EXPORTED_FORMATS", "Exported", "export_network"]
