# SPDX-License-Identifier: MIT
# jq -r -f edges.jq result.json: for each edge between the processes of a layout what they counted themselves and what lpad did:
#     EDGE MESSAGES BYTES, of the processes: 4 for each value, and a header of 8 for each message
#     EDGE MESSAGES BYTES, of lpad, where they were sent
# and for each layout the messages that lpad counted where they were sent and where they arrived. The two lines of a pair are alike.
.nodes as $nodes
| [.edges[] | select(.edge | startswith("driver") | not)
   | . + (.edge | capture("^(?<node>[^.]*)[.](?<lane>[^ ]*)"))] as $edges
| def own($edge; $what):
    [$nodes | to_entries[] | select(.key | . == $edge.node or startswith($edge.node + "/")) | .value.metrics[$edge.lane + "_" + $what].last] | add;
  ($edges[]
   | . as $edge
   | "\(.node).\(.lane) \(own($edge; "messages")) \(own($edge; "values") * 4 + own($edge; "messages") * 8)",
     "\(.node).\(.lane) \(.from.messages) \(.from.bytes)"),
  ($edges | group_by(.node)[] | "\(.[0].node) \(map(.from.messages) | add)", "\(.[0].node) \(.[0].to.messages)")
