"""Making holes in complete data."""

from bayesmice.data.amputation.ampute import Amputation, ampute

__all__ = ["Amputation", "ampute"]
