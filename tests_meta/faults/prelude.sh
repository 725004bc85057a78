# What the shell lines of faults.toml may call. P, STATE, FILES and the ports are set by whoever runs them.
set -euo pipefail
compose() { docker compose --progress quiet $FILES -p "$P" "$@" </dev/null; }
c() { docker ps -aq --filter "label=com.docker.compose.project=$P" --filter "label=com.docker.compose.service=$1" | head -n 1; }
replicas() { docker ps -q --filter "label=com.docker.compose.project=$P" --filter "label=com.docker.compose.service=$1"; }
address() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(c "$1")"; }
wait_until() { for _ in $(seq 200); do if eval "$1"; then return 0; fi; sleep 0.2; done; echo "never true: $1" >&2; return 1; }
all_listen() { wait_until "[ \$(replicas $1 | wc -l) = $3 ]"; for one in $(replicas "$1"); do wait_until "(exec 3<>/dev/tcp/$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$one")/$2) 2>/dev/null"; done; }
listens() { wait_until "(exec 3<>/dev/tcp/$(address "$1")/$2) 2>/dev/null"; }
spawn() { setsid "$@" </dev/null >"$STATE/spawned.log" 2>&1 & echo $! >>"$STATE/pids"; }
sql() { docker exec -e PGPASSWORD=lab-postgres-password "$(c postgres)" psql -h 127.0.0.1 -U pyairtable -d "${2:-pyairtable}" -v ON_ERROR_STOP=1 -tAc "$1"; }
prom() { curl -sf "http://$(address prometheus):9090$1"; }
am() { curl -sf -X POST -H 'Content-Type: application/json' -d "$1" "http://$(address alertmanager):9093/api/v2/alerts"; }
am_alerts() { curl -sf "http://$(address alertmanager):9093/api/v2/alerts?active=true"; }
stack_healthy() { wait_until '! docker ps -q --filter "label=com.docker.compose.project=$P" --filter health=starting | grep -q .'; }
expire() { openssl x509 -in "$1" -signkey "$2" -days -1 -out "$1.new" 2>/dev/null && mv "$1.new" "$1"; }
