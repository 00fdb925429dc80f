"""What an enhanced CT says of contrast agents, in the words of a single slice's header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpportunisticBMDLib.reading.facts.header_values import number_of, text_of, values_of

AGENT, ROUTE = "ContrastBolusAgent", "ContrastBolusRoute"
AGENTS, USES = "ContrastBolusAgentSequence", "ContrastBolusUsageSequence"
_NUMBER = "ContrastBolusAgentNumber"
_NONE, _UNNAMED = "NONE", "contrast agent"  # words that `contrast_words` knows


def contrast_of_frame(agents: Sequence[Any], uses: Sequence[Any]) -> dict[str, str]:
    """`AGENT` (0018,0010) and `ROUTE` (0018,1040), as far as they are told.

    Args:
        agents: items of `AGENTS`, of the whole file (PS3.3 C.7.6.4b).
        uses: items of `USES`, of the frame: which of the agents it shows (C.7.6.16.2.12).
    """
    if not agents:
        return {}
    absent = {number_of(use, _NUMBER) for use in uses if text_of(use, "ContrastBolusAgentAdministered") == "NO"}
    given = [agent for agent in agents if number_of(agent, _NUMBER) not in absent]
    if not given:
        return {AGENT: _NONE}
    routes = [route for agent in given for route in values_of(agent, "ContrastBolusAdministrationRouteSequence")]
    return {
        AGENT: " & ".join(text_of(agent, "CodeMeaning") or _UNNAMED for agent in given),
        ROUTE: " & ".join(text_of(route, "CodeMeaning") or "" for route in routes),
    }
