"""In what netsonde's /probe differs from blackbox_exporter 0.23, and why. An entry that explains nothing is an error."""

from blackbox_compare import Difference

DIFFERENCES = [
]
