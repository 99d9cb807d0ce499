# SPDX-License-Identifier: MIT
"""Shows the newest value twice a second, however many there are: its subscription keeps the latest only."""
import lpad

node = lpad.node()
value = node.subscription("value")
while not node.wait_stop(0.5):
    try:
        print("board:", value.take().value, flush=True)
    except (lpad.Ended, lpad.Stopped):
        break
