"""Plans assisted voluntary returns."""

import time

__version__ = "0.1.0"

# When the first line of ours ran, by `time.monotonic`: loading the rest counts against a time limit too.
BEGUN_AT = time.monotonic()
