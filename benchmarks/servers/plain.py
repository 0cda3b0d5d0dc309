"""Raw ASGI like ours, but the model is loaded with `import lightgbm`: what a start costs that way.

uvicorn benchmarks.servers.plain:application
"""

import json
from typing import Any

from benchmarks.servers import model
from benchmarks.servers.echo import Receive, Send

model.booster()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request of CSV, sent in one piece."""
    del scope
    body: bytes = (await receive())["body"]
    answer = json.dumps(model.predict(model.from_csv(body.decode()))).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
