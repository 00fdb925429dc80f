"""`python -m OpportunisticBMDLib.quality`: all reasons as a Markdown table."""

from __future__ import annotations

from OpportunisticBMDLib.core.reason import ReasonCode
from OpportunisticBMDLib.system.markdown import markdown

if __name__ == "__main__":
    print(markdown(("code", "meaning", "unit"), [(code.value, code.meaning, code.unit or "") for code in ReasonCode]))
