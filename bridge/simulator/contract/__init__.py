"""The engine without a PowerShell: each shipped script done by a short Python function.

Rules:

- A script is known by the hash of its text (line feeds alone). Any other text is refused, loudly: this engine
  does not understand PowerShell, and a script that was changed may not do what the function here does.
- A function makes the same cmdlet calls as its script, in the same order, with the same verbose lines,
  results and error records. What a PowerShell does with them before they reach the wire was measured on a
  real one.
- The cases that run on both engines are what makes this one believable.
"""

from __future__ import annotations

from bridge.simulator.contract.engine import ScriptEngine, ScriptRunspace

__all__ = ["ScriptEngine", "ScriptRunspace"]
