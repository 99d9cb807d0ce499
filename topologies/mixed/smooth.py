# SPDX-License-Identifier: MIT
"""A filter: each reading with the mean of all before it, the newest counting most. No library: JSON in, JSON out."""
import json
import sys

mean = None
for line in sys.stdin:
    reading = json.loads(line)
    mean = reading["value"] if mean is None else mean + 0.5 * (reading["value"] - mean)
    reading["value"] = mean
    print(json.dumps(reading), flush=True)
