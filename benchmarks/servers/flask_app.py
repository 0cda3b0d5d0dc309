"""What SageMaker's scikit-learn container runs behind nginx and gunicorn: a Flask application.

The same steps as the container's: decode by content type, the user's predict, encode.
https://github.com/aws/sagemaker-containers/blob/master/src/sagemaker_containers/_worker.py
https://github.com/aws/sagemaker-scikit-learn-container/blob/master/src/sagemaker_sklearn_container/serving.py

gunicorn -k gevent benchmarks.servers.flask_app:application
"""

import json

from flask import Flask, Response, request

from benchmarks.servers import model

application = Flask(__name__)
model.booster()


@application.post("/invocations")
def invocations() -> Response:
    """Rows as CSV or as JSON, scores as JSON."""
    body = request.get_data(as_text=True)
    is_csv = request.headers.get("Content-Type") == "text/csv"
    rows = model.from_csv(body) if is_csv else model.from_values(json.loads(body))
    return Response(json.dumps(model.predict(rows)), mimetype="application/json")


@application.get("/ping")
def ping() -> Response:
    """SageMaker's question whether it is there."""
    return Response(status=200)
