# Functions for the shell lines of faults.toml. inject.py sets P (the Compose project), FILES (its -f options), STATE (the
# folder of this copy's files), TLS_PORT, and the variables of the reference stack.
set -euo pipefail
compose() { docker compose --progress quiet $FILES -p "$P" "$@" </dev/null; }

# c SERVICE: the id of its container, running or not; replicas SERVICE: the ids of all running ones; address SERVICE: its IP.
c() { docker ps -aq --filter "label=com.docker.compose.project=$P" --filter "label=com.docker.compose.service=$1" | head -n 1; }
replicas() { docker ps -q --filter "label=com.docker.compose.project=$P" --filter "label=com.docker.compose.service=$1"; }
address() { address_of "$(c "$1")"; }
address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }

# wait_until COMMAND: until it succeeds, at most 40 s; listens SERVICE PORT: until a connection is accepted;
# all_listen SERVICE PORT COUNT: until COUNT replicas accept one; stack_healthy: until no healthcheck is starting.
wait_until() { for _ in $(seq 200); do if eval "$1"; then return 0; fi; sleep 0.2; done; echo "never true: $1" >&2; return 1; }
listens() { wait_until "(exec 3<>/dev/tcp/$(address "$1")/$2) 2>/dev/null"; }
all_listen() {
  wait_until "[ \$(replicas $1 | wc -l) = $3 ]"
  for container in $(replicas "$1"); do wait_until "(exec 3<>/dev/tcp/$(address_of "$container")/$2) 2>/dev/null"; done
}
stack_healthy() { wait_until '! docker ps -q --filter "label=com.docker.compose.project=$P" --filter health=starting | grep -q .'; }

# spawn COMMAND: in the background, until the fault is healed; sql STATEMENT [DATABASE]: in postgres.
spawn() { setsid "$@" </dev/null >"$STATE/spawned.log" 2>&1 & echo $! >>"$STATE/pids"; }
sql() { docker exec -e PGPASSWORD=lab-postgres-password "$(c postgres)" psql -h 127.0.0.1 -U pyairtable -d "${2:-pyairtable}" -v ON_ERROR_STOP=1 -tAc "$1"; }

# prom PATH: GET from Prometheus; am JSON: POST alerts to Alertmanager; am_alerts: its active alerts.
prom() { curl -sf "http://$(address prometheus):9090$1"; }
am() { curl -sf -X POST -H 'Content-Type: application/json' -d "$1" "http://$(address alertmanager):9093/api/v2/alerts"; }
am_alerts() { curl -sf "http://$(address alertmanager):9093/api/v2/alerts?active=true"; }

# expire CERTIFICATE KEY: signs the certificate again with an end in the past.
expire() { openssl x509 -in "$1" -signkey "$2" -days -1 -out "$1.new" 2>/dev/null && mv "$1.new" "$1"; }
