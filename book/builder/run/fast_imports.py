"""Imported before nbformat, so that reading a notebook does not first take over a second.

nbformat imports jsonschema, which imports whatever checker of formats it finds installed; the one for web addresses
builds a grammar as it loads, and nothing in a notebook is checked with it. jsonschema does without what is not there.
"""

import sys

# None makes an import of it fail as if it were not installed; the stubs do not know that it may stand here.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
