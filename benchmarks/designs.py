"""All designs of simulation studies, by name."""

from own_designs import OWN
from published_designs import PUBLISHED

DESIGNS = PUBLISHED | OWN
