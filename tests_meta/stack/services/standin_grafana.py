"""A stand-in for Grafana: the dashboards of its folder, and datasources that it really asks."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .web import Answer, Request, Route, serve

DASHBOARDS = Path("/etc/lab/dashboards")
SOURCES = {
    "prometheus": {"name": "Prometheus", "url": "http://prometheus:9090", "ask": "/api/v1/query?query=1"},
    "loki": {"name": "Loki", "url": os.environ.get("LAB_LOKI_URL", "http://loki:3100"), "ask": "/loki/api/v1/labels"},
    "tempo": {"name": "Tempo", "url": "http://tempo:3200", "ask": "/ready"},
}


def dashboards() -> dict[str, Any]:
    """The dashboards by uid."""
    loaded = [json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))]
    return {one["uid"]: one for one in loaded}


def search(request: Request) -> Answer:
    """`GET /api/search`."""
    return Answer(200, [{"uid": uid, "title": one["title"], "type": "dash-db"} for uid, one in dashboards().items()])


def dashboard(request: Request) -> Answer:
    """`GET /api/dashboards/uid/{uid}`."""
    found = dashboards().get(request.parts["uid"])
    return (
        Answer(200, {"meta": {"slug": found["uid"]}, "dashboard": found})
        if found
        else Answer(404, {"message": "Dashboard not found"})
    )


def sources(request: Request) -> Answer:
    """`GET /api/datasources`."""
    return Answer(
        200, [{"uid": uid, "name": one["name"], "type": uid, "url": one["url"]} for uid, one in SOURCES.items()]
    )


def source_health(request: Request) -> Answer:
    """`GET /api/datasources/uid/{uid}/health`: asks the datasource."""
    one = SOURCES.get(request.parts["uid"])
    if one is None:
        return Answer(404, {"message": "Data source not found"})
    try:
        urllib.request.urlopen(one["url"] + one["ask"], timeout=2).close()
    except OSError as error:
        return Answer(400, {"status": "ERROR", "message": f"{one['name']} cannot be reached: {error}"})
    return Answer(200, {"status": "OK", "message": "Data source is working"})


def with_login(route: Route) -> Route:
    """The route, for those who log in with the administrator's password."""
    login = f"{os.environ['GF_SECURITY_ADMIN_USER']}:{os.environ['GF_SECURITY_ADMIN_PASSWORD']}"
    wanted = "Basic " + base64.b64encode(login.encode()).decode()

    def answer(request: Request) -> Answer:
        if request.headers.get("Authorization") != wanted:
            return Answer(401, {"message": "Unauthorized"})
        return route(request)

    return answer


def main() -> None:
    """Serves on 3000."""
    routes: dict[str, Route] = {
        "GET /api/health": lambda request: Answer(200, {"commit": "stand-in", "database": "ok", "version": "0.0.0"}),
        "GET /api/search": with_login(search),
        "GET /api/dashboards/uid/{uid}": with_login(dashboard),
        "GET /api/datasources": with_login(sources),
        "GET /api/datasources/uid/{uid}/health": with_login(source_health),
    }
    serve(3000, routes, headers={"X-Stand-In": "grafana"})


if __name__ == "__main__":
    main()
