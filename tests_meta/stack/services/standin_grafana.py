"""A stand-in for Grafana: dashboards from a folder, and health checks of its datasources."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .web import Answer, Request, Route, serve

DASHBOARD_FOLDER = Path("/etc/lab/dashboards")
DATASOURCES = {
    "prometheus": {"name": "Prometheus", "url": "http://prometheus:9090", "health_path": "/api/v1/query?query=1"},
    "loki": {
        "name": "Loki",
        "url": os.environ.get("LAB_LOKI_URL", "http://loki:3100"),
        "health_path": "/loki/api/v1/labels",
    },
    "tempo": {"name": "Tempo", "url": "http://tempo:3200", "health_path": "/ready"},
}


def dashboards() -> dict[str, Any]:
    """Return the dashboards by uid."""
    loaded = [json.loads(path.read_text()) for path in sorted(DASHBOARD_FOLDER.glob("*.json"))]
    return {dashboard["uid"]: dashboard for dashboard in loaded}


def search(request: Request) -> Answer:
    """`GET /api/search`."""
    found = [{"uid": uid, "title": item["title"], "type": "dash-db"} for uid, item in dashboards().items()]
    return Answer(200, found)


def dashboard(request: Request) -> Answer:
    """`GET /api/dashboards/uid/{uid}`."""
    found = dashboards().get(request.parts["uid"])
    if found is None:
        return Answer(404, {"message": "Dashboard not found"})
    return Answer(200, {"meta": {"slug": found["uid"]}, "dashboard": found})


def datasources(request: Request) -> Answer:
    """`GET /api/datasources`."""
    found = [
        {"uid": uid, "name": source["name"], "type": uid, "url": source["url"]} for uid, source in DATASOURCES.items()
    ]
    return Answer(200, found)


def datasource_health(request: Request) -> Answer:
    """`GET /api/datasources/uid/{uid}/health`: requests the datasource's own health."""
    source = DATASOURCES.get(request.parts["uid"])
    if source is None:
        return Answer(404, {"message": "Data source not found"})
    try:
        urllib.request.urlopen(source["url"] + source["health_path"], timeout=2).close()
    except OSError as error:
        return Answer(400, {"status": "ERROR", "message": f"{source['name']} cannot be reached: {error}"})
    return Answer(200, {"status": "OK", "message": "Data source is working"})


def with_login(route: Route) -> Route:
    """Return the route with a check of the administrator's password."""
    login = f"{os.environ['GF_SECURITY_ADMIN_USER']}:{os.environ['GF_SECURITY_ADMIN_PASSWORD']}"
    expected = "Basic " + base64.b64encode(login.encode()).decode()

    def answer(request: Request) -> Answer:
        if request.headers.get("Authorization") != expected:
            return Answer(401, {"message": "Unauthorized"})
        return route(request)

    return answer


def main() -> None:
    """Serve on port 3000 until killed."""
    routes: dict[str, Route] = {
        "GET /api/health": lambda request: Answer(200, {"commit": "stand-in", "database": "ok", "version": "0.0.0"}),
        "GET /api/search": with_login(search),
        "GET /api/dashboards/uid/{uid}": with_login(dashboard),
        "GET /api/datasources": with_login(datasources),
        "GET /api/datasources/uid/{uid}/health": with_login(datasource_health),
    }
    serve(3000, routes, headers={"X-Stand-In": "grafana"})


if __name__ == "__main__":
    main()
